// SPDX-License-Identifier: Apache-2.0
#include "engine/guest_path.h"

#include <algorithm>
#include <array>

#include "wire/messages.h"

namespace msb::engine {
namespace {

constexpr std::array<std::string_view, 4> kReserved = {"/proc", "/sys", "/dev", "/.sandbox"};

}  // namespace

std::optional<std::string> normalize_guest_path(std::string_view path) {
  if (path.empty() || path.front() != '/' || path.size() >= wire::kMaxPathBytes) {
    return std::nullopt;
  }
  std::string normal;
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view part = path.substr(0, path.find('/'));
    path.remove_prefix(part.size());
    if (part == "..") {
      return std::nullopt;
    }
    if (!part.empty() && part != ".") {
      normal.append("/").append(part);
    }
  }
  return normal.empty() ? "/" : normal;
}

bool is_beneath(std::string_view path, std::string_view folder) {
  return folder == "/" || path == folder ||
         (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

bool is_reserved_guest_path(std::string_view normal_path) {
  return normal_path == "/" || std::ranges::any_of(kReserved, [&](std::string_view folder) {
           return is_beneath(normal_path, folder);
         });
}

}  // namespace msb::engine
