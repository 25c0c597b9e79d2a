// SPDX-License-Identifier: Apache-2.0
#include "agent/users.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/file.h"

namespace msb::agent {
namespace {

// -1 as an id means "leave as it is" to the kernel.
constexpr std::uint32_t kMaxId = 0xfffffffe;

std::optional<std::uint32_t> number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value > kMaxId) {
    return std::nullopt;
  }
  return value;
}

// Cuts the text up to `separator` off the front of `rest`.
std::string_view cut(std::string_view& rest, char separator) {
  const std::size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return part;
}

// Calls `visit(fields)` for each line with N fields until it returns true.
template <std::size_t N, typename Visit>
void for_each_entry(const std::string& path, Visit visit) {
  // An image without the file (or one that outgrew the bound) has no names, only numbers.
  const std::string text = base::read_file(path, kMaxAccountFileBytes).value_or("");
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view line = cut(rest, '\n');
    if (std::ranges::count(line, ':') != N - 1) {
      continue;
    }
    std::array<std::string_view, N> fields;
    for (std::string_view& field : fields) {
      field = cut(line, ':');
    }
    if (visit(fields)) {
      return;
    }
  }
}

// Finds `user` in passwd and fills `identity`; returns the name, empty when there is no entry.
std::string find_user(const std::string& path, std::string_view user, Identity& identity) {
  std::string name;
  const std::optional<std::uint32_t> wanted = number(user);
  for_each_entry<7>(path, [&](const std::array<std::string_view, 7>& fields) {
    const auto uid = number(fields[2]);
    const auto gid = number(fields[3]);
    if (!uid || !gid || (fields[0] != user && uid != wanted)) {
      return false;
    }
    name = fields[0];
    identity.uid = *uid;
    identity.gid = *gid;
    if (!fields[5].empty()) {
      identity.home = fields[5];
    }
    return true;
  });
  return name;
}

std::vector<gid_t> groups_of(const std::string& path, std::string_view name) {
  std::vector<gid_t> groups;
  for_each_entry<4>(path, [&](const std::array<std::string_view, 4>& fields) {
    std::string_view members = fields[3];
    while (!members.empty()) {
      const auto gid = cut(members, ',') == name ? number(fields[2]) : std::nullopt;
      if (gid) {
        groups.push_back(*gid);
        break;
      }
    }
    return groups.size() == kMaxGroups;
  });
  return groups;
}

std::optional<gid_t> find_group(const std::string& path, std::string_view group) {
  std::optional<gid_t> found = number(group);
  for_each_entry<4>(path, [&](const std::array<std::string_view, 4>& fields) {
    if (fields[0] != group) {
      return false;
    }
    found = number(fields[2]);
    return true;
  });
  return found;
}

}  // namespace

Result<Identity> find_identity(std::string_view user, const std::string& etc) {
  const bool explicit_group = user.find(':') != std::string_view::npos;
  std::string_view group = user;
  std::string_view name = cut(group, ':');
  if (name.empty()) {
    name = "0";
  }
  Identity identity;
  const std::string entry = find_user(etc + "/passwd", name, identity);
  if (entry.empty()) {
    const auto uid = name == "root" ? 0 : number(name);
    if (!uid) {
      return fail(ErrorCode::kInvalidArgument,
                  "user '" + std::string(name) + "': not in the sandbox's /etc/passwd");
    }
    identity.uid = *uid;
  }
  if (explicit_group) {
    const auto gid = find_group(etc + "/group", group);
    if (!gid) {
      return fail(ErrorCode::kInvalidArgument,
                  "group '" + std::string(group) + "': not in the sandbox's /etc/group");
    }
    identity.gid = *gid;
  } else if (!entry.empty()) {
    identity.groups = groups_of(etc + "/group", entry);
  }
  return identity;
}

}  // namespace msb::agent
