// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/identity.h"

#include <grp.h>
#include <linux/securebits.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>

#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

Result<> check(long result, const char* call) {
  return result < 0 ? Result<>(std::unexpected(sys::error(call))) : Result<>();
}

Result<> set_file_system_ids(std::uint32_t id) {
  ::setfsgid(id);
  ::setfsuid(id);
  // setfsuid has no failure; it answers the old value.
  if (static_cast<std::uint32_t>(::setfsuid(static_cast<uid_t>(-1))) != id ||
      static_cast<std::uint32_t>(::setfsgid(static_cast<gid_t>(-1))) != id) {
    return fail(ErrorCode::kPermissionDenied, "setfsuid(" + std::to_string(id) + "): not allowed");
  }
  return {};
}

// What the exec of the agent, as root of its namespace, will gain is what is in the bounding set.
Result<> drop_capabilities(std::span<const Capability> kept) {
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (std::ranges::find(kept, capability, &Capability::number) == kept.end()) {
      TRY(check(::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0), "prctl(PR_CAPBSET_DROP)"));
      continue;
    }
    const auto bit = static_cast<unsigned>(capability);
    auto& word = data[CAP_TO_INDEX(bit)];
    word.permitted |= CAP_TO_MASK(bit);
    word.effective |= CAP_TO_MASK(bit);
  }
  TRY(check(::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "prctl(PR_CAP_AMBIENT)"));
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  return check(::syscall(SYS_capset, &header, data.data()), "capset");
}

Result<> become(int user_namespace, std::uint32_t uid, std::uint32_t gid,
                std::span<const Capability> kept) {
  TRY(check(::setns(user_namespace, CLONE_NEWUSER), "setns(user)"));
  // The namespace of a single-id map may forbid setgroups; then there was nothing to drop either.
  if (::setgroups(0, nullptr) < 0 && errno != EPERM) {
    return std::unexpected(sys::error("setgroups"));
  }
  TRY(check(::setresgid(gid, gid, gid), "setresgid"));
  TRY(check(::setresuid(uid, uid, uid), "setresuid"));
  TRY(drop_capabilities(kept));
  return check(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)");
}

}  // namespace

Result<> build_as(const IdRange& range) {
  // Without this, leaving file system id 0 would cost the capabilities over files.
  TRY(check(::prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0),
            "prctl(PR_SET_SECUREBITS)"));
  return set_file_system_ids(range.base);
}

Result<> build_as_host_root() {
  TRY(set_file_system_ids(0));
  return check(::prctl(PR_SET_SECUREBITS, 0, 0, 0, 0), "prctl(PR_SET_SECUREBITS)");
}

Result<> become_sandbox_root(int user_namespace) {
  return become(user_namespace, 0, 0, kKeptCapabilities);
}

Result<> become_nobody_special(int user_namespace, std::uint32_t uid, std::uint32_t gid) {
  return become(user_namespace, uid, gid, {});
}

}  // namespace msb::isolation::jail
