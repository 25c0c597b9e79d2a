// SPDX-License-Identifier: Apache-2.0
#include "server/volume_policy.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

namespace msb::server {
namespace {

std::optional<std::string> real_path(const std::string& path) {
  std::error_code failed;
  auto real = std::filesystem::canonical(path, failed);
  if (failed) {
    return std::nullopt;
  }
  return real.string();
}

// Both free of symlinks and of "..".
bool is_beneath(const std::string& path, const std::string& root) {
  return root == "/" || path == root || path.starts_with(root + "/");
}

}  // namespace

Result<VolumePolicy> VolumePolicy::create(const std::vector<std::string>& roots,
                                          std::string namespaces_folder) {
  std::vector<std::string> real_roots;
  for (const std::string& root : roots) {
    auto real = real_path(root);
    if (!real) {
      return fail(ErrorCode::kNotFound, "volume root '" + root + "' does not exist");
    }
    real_roots.push_back(*std::move(real));
  }
  return VolumePolicy(std::move(real_roots), std::move(namespaces_folder));
}

Result<std::vector<std::string>> VolumePolicy::resolve(
    const std::string& namespace_name, const std::vector<std::string>& volumes) const {
  std::vector<std::string> resolved;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const std::string field = "volumes[" + std::to_string(i) + "]";
    const std::string& volume = volumes[i];
    const auto colon = volume.find(':');
    std::string host = volume.substr(0, colon);
    const std::string guest = colon == std::string::npos ? host : volume.substr(colon + 1);
    if (host.empty() || guest.empty() || volume.find('\0') != std::string::npos) {
      return fail(ErrorCode::kInvalidArgument,
                  field + ": must be host:guest, host:guest:ro or path");
    }
    std::vector<std::string> roots = roots_;
    if (host.front() != '/') {
      const std::string own_folder = namespaces_folder_ + "/" + namespace_name;
      host = own_folder + "/" + host;
      roots.clear();
      if (auto own = real_path(own_folder)) {
        roots.push_back(*std::move(own));
      }
    }
    const auto real = real_path(host);
    const bool allowed = real && real->find(':') == std::string::npos &&
                         std::ranges::any_of(roots, [&](const std::string& root) {
                           return is_beneath(*real, root);
                         });
    if (!allowed) {
      return fail(ErrorCode::kPermissionDenied,
                  field +
                      ": not a folder beneath a volume root of this server; its operator names "
                      "them with --volume-root");
    }
    resolved.push_back(*real + ":" + guest);
  }
  return resolved;
}

}  // namespace msb::server
