// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

// The layout of ABI 6, which the headers of many systems do not have yet.
struct RulesetAttributes {
  std::uint64_t handled_access_fs;
  std::uint64_t handled_access_net;
  std::uint64_t scoped;
};
constexpr std::uint64_t kScopeAbstractUnixSocket = 1u << 0;
constexpr std::uint64_t kScopeSignal = 1u << 1;
constexpr int kAbiWithRefer = 2;
constexpr int kAbiWithScopes = 6;

}  // namespace

int landlock_abi() {
  const long abi =
      ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

Result<> restrict_by_landlock() {
  const int abi = landlock_abi();
  if (abi < kAbiWithRefer) {
    return {};
  }
  RulesetAttributes attributes{};
  attributes.handled_access_fs =
      LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_REFER;
  std::size_t size = sizeof attributes.handled_access_fs;
  if (abi >= kAbiWithScopes) {
    attributes.scoped = kScopeAbstractUnixSocket | kScopeSignal;
    size = sizeof attributes;
  }
  const base::UniqueFd ruleset(
      static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size, 0)));
  if (!ruleset) {
    return std::unexpected(sys::error("landlock_create_ruleset"));
  }
  // Moving and linking between folders is refused unless it is allowed somewhere: everywhere.
  const base::UniqueFd root = TRY(sys::open("/", O_PATH | O_DIRECTORY));
  landlock_path_beneath_attr beneath{};
  beneath.allowed_access = LANDLOCK_ACCESS_FS_REFER;
  beneath.parent_fd = root.get();
  if (::syscall(SYS_landlock_add_rule, ruleset.get(), LANDLOCK_RULE_PATH_BENEATH, &beneath, 0) <
      0) {
    return std::unexpected(sys::error("landlock_add_rule"));
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) < 0) {
    return std::unexpected(sys::error("landlock_restrict_self"));
  }
  return {};
}

}  // namespace msb::isolation::jail
