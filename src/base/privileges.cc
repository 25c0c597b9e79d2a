// SPDX-License-Identifier: Apache-2.0
#include "base/privileges.h"

#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/sys.h"

namespace msb::base {

Result<> keep_capabilities(std::uint64_t kept) {
  constexpr int kMaxCapabilities = 64;  // as many as a set has bits
  for (int capability = 0;
       capability < kMaxCapabilities && ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0;
       ++capability) {
    if ((kept >> capability & 1) == 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 &&
        errno != EPERM) {  // Nothing to drop from: the process has no CAP_SETPCAP.
      return std::unexpected(sys::error("prctl(PR_CAPBSET_DROP)"));
    }
  }
  // Unknown to kernels before 4.3, which have nothing to clear.
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL) {
    return std::unexpected(sys::error("prctl(PR_CAP_AMBIENT)"));
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> data{};
  if (::syscall(SYS_capget, &header, data.data()) < 0) {
    return std::unexpected(sys::error("capget"));
  }
  const auto keep = [](__user_cap_data_struct& word, std::uint64_t wanted) {
    const auto bits = static_cast<std::uint32_t>(wanted) & word.permitted;
    word = {.effective = bits, .permitted = bits, .inheritable = 0};
  };
  keep(data[0], kept);
  keep(data[1], kept >> 32);
  if (::syscall(SYS_capset, &header, data.data()) < 0) {
    return std::unexpected(sys::error("capset"));
  }
  return {};
}

Result<> forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
    return std::unexpected(sys::error("prctl(PR_SET_NO_NEW_PRIVS)"));
  }
  return {};
}

Result<> install_system_call_filter(std::span<const sock_filter> program) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  // SAFETY: the kernel copies the program; it does not write to it.
  filter.filter = const_cast<sock_filter*>(program.data());
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0) {
    return std::unexpected(sys::error("seccomp"));
  }
  return {};
}

}  // namespace msb::base
