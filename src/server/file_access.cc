// SPDX-License-Identifier: Apache-2.0
#include "server/file_access.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/sys.h"

namespace msb::server {
namespace {

namespace sys = base::sys;

// Rights that the headers of many systems do not have yet, by the ABI that brought them.
constexpr std::uint64_t kRefer = 1u << 13;     // 2
constexpr std::uint64_t kTruncate = 1u << 14;  // 3
constexpr std::uint64_t kIoctlDev = 1u << 15;  // 5

constexpr std::uint64_t kReadFile = LANDLOCK_ACCESS_FS_READ_FILE;
constexpr std::uint64_t kRead = kReadFile | LANDLOCK_ACCESS_FS_READ_DIR;
// No devices, no sockets, no programs.
constexpr std::uint64_t kWrite = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                 LANDLOCK_ACCESS_FS_MAKE_REG | kRefer | kTruncate;

std::uint64_t rights_of_abi(int abi) {
  constexpr std::uint64_t kFirst = (1u << 13) - 1;
  return kFirst | (abi >= 2 ? kRefer : 0) | (abi >= 3 ? kTruncate : 0) | (abi >= 5 ? kIoctlDev : 0);
}

Result<> allow(int ruleset, const std::string& path, std::uint64_t rights) {
  const auto target = sys::open(path, O_PATH);
  if (!target) {
    return {};  // what is not there needs no rule
  }
  const struct stat status = TRY(sys::fstat(target->get()));
  if (!S_ISDIR(status.st_mode)) {
    rights &= kReadFile | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
  }
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = rights;
  beneath.parent_fd = target->get();
  if (::syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) < 0) {
    return std::unexpected(sys::error("landlock_add_rule", path));
  }
  return {};
}

}  // namespace

Result<bool> restrict_files(const FileAccess& access) {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  // Without the second nothing could be moved from one folder to another, and pulls do.
  if (abi < 2) {
    return false;
  }
  const std::uint64_t handled = rights_of_abi(static_cast<int>(abi));
  const base::UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0)));
  if (!ruleset) {
    return std::unexpected(sys::error("landlock_create_ruleset"));
  }
  TRY(allow(ruleset.get(), access.writable, (kRead | kWrite) & handled));
  for (const std::string& path : access.readable) {
    TRY(allow(ruleset.get(), path, kRead & handled));
  }
  TRY(allow(ruleset.get(), "/dev/null",
            (kReadFile | LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate) & handled));
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) < 0) {
    return std::unexpected(sys::error("landlock_restrict_self"));
  }
  return true;
}

}  // namespace msb::server
