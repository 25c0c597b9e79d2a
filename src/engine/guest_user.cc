// SPDX-License-Identifier: Apache-2.0
#include "engine/guest_user.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <optional>
#include <ranges>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"
#include "base/sys.h"

namespace msb::engine {
namespace {

constexpr std::size_t kMaxAccountFileBytes = 1 << 20;

// The file as the sandbox will see it: that of the highest layer which has one. A layer's path may
// be any symbolic link an image's author thought of; it is resolved as if the layer were the root.
Result<std::string> read_in_layers(const std::vector<std::string>& layer_paths,
                                   const std::string& path) {
  for (const std::string& layer : layer_paths | std::views::reverse) {
    const base::UniqueFd root = TRY(base::sys::open(layer, O_PATH | O_DIRECTORY));
    // O_NONBLOCK: a FIFO of that name must not make us wait.
    const auto file = base::sys::openat2(root.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                         RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    if (!file) {
      const int reason = file.error().sys_errno();
      if (reason == ENOENT || reason == ENOTDIR) {
        continue;
      }
      return std::string();  // ENXIO: a whiteout, so there is no such file; ELOOP: nonsense
    }
    const struct stat status = TRY(base::sys::fstat(file->get()));
    if (!S_ISREG(status.st_mode)) {
      return std::string();
    }
    return base::read_all(file->get(), kMaxAccountFileBytes);
  }
  return std::string();
}

struct Entry {
  std::uint32_t id = 0;
  std::uint32_t group = 0;
};

// The line of `wanted`, a name or a number, in the form name:password:id[:group...].
std::optional<Entry> find_entry(std::string_view text, std::string_view wanted) {
  const auto wanted_id = base::parse_number<std::uint32_t>(wanted);
  for (const auto line_range : text | std::views::split('\n')) {
    const std::string_view line(line_range.begin(), line_range.end());
    std::array<std::string_view, 4> fields;
    std::size_t count = 0;
    for (const auto field : line | std::views::split(':')) {
      if (count < fields.size()) {
        fields[count++] = std::string_view(field.begin(), field.end());
      }
    }
    const auto id = base::parse_number<std::uint32_t>(fields[2]);
    if (!id || (wanted_id ? *id != *wanted_id : fields[0] != wanted)) {
      continue;
    }
    return Entry{.id = *id, .group = base::parse_number<std::uint32_t>(fields[3]).value_or(0)};
  }
  return std::nullopt;
}

}  // namespace

Result<GuestUser> find_guest_user(const std::string& user,
                                  const std::vector<std::string>& layer_paths) {
  if (user.empty()) {
    return GuestUser{};
  }
  const auto colon = user.find(':');
  const std::string name = user.substr(0, colon);
  GuestUser found;
  const std::string passwd = TRY_WRAP(read_in_layers(layer_paths, "etc/passwd"), "/etc/passwd");
  if (const auto entry = find_entry(passwd, name)) {
    found = {.uid = entry->id, .gid = entry->group};
  } else if (const auto uid = base::parse_number<std::uint32_t>(name)) {
    found.uid = *uid;
  } else {
    return fail(ErrorCode::kInvalidArgument,
                "user '" + user + "': the image has no user '" + name + "'");
  }
  if (colon == std::string::npos) {
    return found;
  }
  const std::string group = user.substr(colon + 1);
  if (const auto gid = base::parse_number<std::uint32_t>(group)) {
    found.gid = *gid;
    return found;
  }
  const std::string groups = TRY_WRAP(read_in_layers(layer_paths, "etc/group"), "/etc/group");
  const auto entry = find_entry(groups, group);
  if (!entry) {
    return fail(ErrorCode::kInvalidArgument,
                "user '" + user + "': the image has no group '" + group + "'");
  }
  found.gid = entry->id;
  return found;
}

}  // namespace msb::engine
