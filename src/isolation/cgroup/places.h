// SPDX-License-Identifier: Apache-2.0
//
// Where this process stands in the host's cgroup hierarchies, out of /proc/self/cgroup and
// /proc/self/mountinfo. All three layouts occur: version 2 alone, version 1 alone, and hybrid (a
// version 2 mount that carries no controllers beside version 1 hierarchies that do).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace msb::isolation::cgroup {

struct Place {
  std::string mount_point;  // of the hierarchy
  std::string folder;       // this process's own cgroup: mount_point or a folder beneath it
};

struct Places {
  std::optional<Place> v2;
  std::map<std::string, Place, std::less<>> v1;  // by controller; one hierarchy may carry several
};

// Hierarchies that are not mounted, or whose mount does not show this process, are left out.
Places find_places(std::string_view self_cgroup, std::string_view mountinfo);

// mountinfo writes space, tab, newline and backslash of a path as \ooo.
std::string unescape_mount_path(std::string_view text);

}  // namespace msb::isolation::cgroup
