// SPDX-License-Identifier: Apache-2.0
#include "isolation/cgroup/places.h"

#include <cctype>
#include <functional>
#include <ranges>
#include <utility>
#include <vector>

namespace msb::isolation::cgroup {
namespace {

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (const auto part : std::views::split(text, separator)) {
    parts.emplace_back(part.begin(), part.end());
  }
  return parts;
}

struct CgroupMount {
  std::string root;  // the cgroup that the mount shows at its mount point
  std::string mount_point;
  bool v2 = false;
  std::vector<std::string> controllers;
};

// 35 31 0:32 /root /mount/point rw,relatime [tags] - cgroup source rw,memory
std::optional<CgroupMount> parse_mount(std::string_view line) {
  const std::size_t dash = line.find(" - ");
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto front = split(line.substr(0, dash), ' ');
  const auto back = split(line.substr(dash + 3), ' ');
  if (front.size() < 6 || back.size() < 3 || (back[0] != "cgroup" && back[0] != "cgroup2")) {
    return std::nullopt;
  }
  CgroupMount mount{
      unescape_mount_path(front[3]), unescape_mount_path(front[4]), back[0] == "cgroup2", {}};
  if (!mount.v2) {
    for (const std::string_view option : split(back[2], ',')) {
      mount.controllers.emplace_back(option);
    }
  }
  return mount;
}

// The folder of cgroup `path` as seen through `mount`.
std::optional<Place> place(const CgroupMount& mount, std::string_view path) {
  std::string_view below = path;
  if (mount.root != "/") {
    if (path != mount.root && !path.starts_with(mount.root + "/")) {
      return std::nullopt;
    }
    below.remove_prefix(mount.root.size());
  }
  std::string folder = mount.mount_point;
  if (below.size() > 1) {
    folder += below;
  }
  return Place{mount.mount_point, std::move(folder)};
}

}  // namespace

std::string unescape_mount_path(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      const auto digit = [&](std::size_t at) { return text[i + at] - '0'; };
      result.push_back(static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3)));
      i += 3;
    } else {
      result.push_back(text[i]);
    }
  }
  return result;
}

Places find_places(std::string_view self_cgroup, std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  for (const std::string_view line : split(mountinfo, '\n')) {
    if (auto mount = parse_mount(line)) {
      mounts.push_back(std::move(*mount));
    }
  }
  Places places;
  // 4:cpu,cpuacct:/path    or, version 2:    0::/path
  for (const std::string_view line : split(self_cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) {
      continue;
    }
    const std::string_view controllers = line.substr(first + 1, second - first - 1);
    const std::string_view path = line.substr(second + 1);
    if (controllers.empty()) {
      for (const CgroupMount& mount : mounts) {
        if (mount.v2 && !places.v2) {
          places.v2 = place(mount, path);
        }
      }
      continue;
    }
    for (const std::string_view controller : split(controllers, ',')) {
      for (const CgroupMount& mount : mounts) {
        const bool carries =
            std::ranges::find(mount.controllers, controller) != mount.controllers.end();
        if (!mount.v2 && carries && !places.v1.contains(controller)) {
          if (auto found = place(mount, path)) {
            places.v1.emplace(controller, std::move(*found));
          }
        }
      }
    }
  }
  return places;
}

}  // namespace msb::isolation::cgroup
