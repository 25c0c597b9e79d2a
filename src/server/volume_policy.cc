// SPDX-License-Identifier: Apache-2.0
#include "server/volume_policy.h"

#include <fcntl.h>
#include <linux/openat2.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/sys.h"

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

// Of what does not exist: its real path, should it be made.
std::optional<std::string> path_if_it_were(const std::string& path) {
  std::error_code failed;
  auto real = std::filesystem::weakly_canonical(path, failed);
  return failed ? std::nullopt : std::optional(real.string());
}

// Both free of symlinks and of "..".
bool is_beneath(const std::string& path, const std::string& root) {
  return root == "/" || path == root || path.starts_with(root + "/");
}

std::unexpected<Error> refused(const std::string& field) {
  return fail(ErrorCode::kPermissionDenied,
              field +
                  ": not a folder beneath a volume root of this server; its operator names "
                  "them with --volume-root");
}

}  // namespace

Result<VolumePolicy::Root> VolumePolicy::open_root(const std::string& path) {
  auto real = real_path(path);
  if (!real) {
    return fail(ErrorCode::kNotFound, "volume root '" + path + "' does not exist");
  }
  base::UniqueFd folder =
      TRY_WRAP(base::sys::openat2(AT_FDCWD, *real, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS),
               "volume root");
  return Root{.path = *std::move(real), .folder = std::move(folder)};
}

Result<std::shared_ptr<const VolumePolicy>> VolumePolicy::create(
    const std::vector<std::string>& roots, std::string namespaces_folder) {
  std::vector<Root> opened;
  opened.reserve(roots.size());
  for (const std::string& root : roots) {
    opened.push_back(TRY(open_root(root)));
  }
  return std::shared_ptr<const VolumePolicy>(
      new VolumePolicy(std::move(opened), std::move(namespaces_folder)));
}

std::optional<VolumePolicy::Root> VolumePolicy::own_root(const std::string& namespace_name) const {
  auto root = open_root(namespaces_folder_ + "/" + namespace_name);
  return root ? std::optional(*std::move(root)) : std::nullopt;
}

std::vector<std::string> VolumePolicy::roots() const {
  std::vector<std::string> paths;
  paths.reserve(roots_.size() + 1);
  for (const Root& root : roots_) {
    paths.push_back(root.path);
  }
  // It may be made later.
  paths.push_back(path_if_it_were(namespaces_folder_).value_or(namespaces_folder_));
  return paths;
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
      resolved.push_back(volume);  // the engine refuses it, and says why
      continue;
    }
    const bool is_own = host.front() != '/';
    if (is_own) {
      host = namespaces_folder_ + "/" + namespace_name + "/" + host;
    }
    const auto real = real_path(host);
    const auto own = own_root(namespace_name);
    const auto is_allowed = [&](const std::string& path) {
      return path.find(':') == std::string::npos &&
             (is_own ? own && is_beneath(path, own->path)
                     : std::ranges::any_of(
                           roots_, [&](const Root& root) { return is_beneath(path, root.path); }));
    };
    const auto missing = real ? std::nullopt : path_if_it_were(host);
    if (missing && is_allowed(*missing)) {
      return fail(ErrorCode::kNotFound, field + " '" + volume + "': does not exist");
    }
    if (!real || !is_allowed(*real)) {
      return refused(field);
    }
    resolved.push_back(*real + ":" + guest);
  }
  return resolved;
}

Result<base::UniqueFd> VolumePolicy::open(const std::string& namespace_name,
                                          const std::string& host_path) const {
  const auto own = own_root(namespace_name);
  std::vector<const Root*> roots;
  roots.reserve(roots_.size() + 1);
  for (const Root& root : roots_) {
    roots.push_back(&root);
  }
  if (own) {
    roots.push_back(&*own);
  }
  for (const Root* root : roots) {
    if (!is_beneath(host_path, root->path)) {
      continue;
    }
    const auto at = host_path.find_first_not_of('/', root->path.size());
    const std::string rest = at == std::string::npos ? "." : host_path.substr(at);
    if (auto opened = base::sys::open_beneath(root->folder.get(), rest, O_PATH)) {
      return opened;
    }
  }
  return refused("host path");
}

}  // namespace msb::server
