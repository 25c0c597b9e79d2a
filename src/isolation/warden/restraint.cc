// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/restraint.h"

#include <linux/capability.h>

#include <cstdint>

#include "base/privileges.h"

namespace msb::isolation::warden {
namespace {

#include "warden_filter.inc"

constexpr std::uint64_t kRootsCapabilities = base::capability_set({
    CAP_SYS_ADMIN,     // namespaces, mounts, loop devices
    CAP_NET_ADMIN,     // the loopback interface of a sandbox
    CAP_MKNOD,         // the loop device's node, the devices of a sandbox
    CAP_SYS_PTRACE,    // opens the user namespace of a process of another id
    CAP_SYS_RESOURCE,  // the least oom_score_adj a guest may set
    CAP_SYS_CHROOT,    // gVisor, which a sandbox may run under
    CAP_SETUID,        // id maps, the owner of a user namespace
    CAP_SETGID,        // the same
    CAP_SETPCAP,       // the bounding set of a sandbox
    CAP_CHOWN,         // what is made in a sandbox is its own
    CAP_DAC_OVERRIDE,  // volumes and writable layers have owners of all kinds
    CAP_FOWNER,        // the same
    CAP_FSETID,        // the same
    CAP_KILL,          // sandboxes are of other ids
});

}  // namespace

Result<> restrain_warden(const jail::Powers& powers) {
  // Somebody's root in a user namespace of its own has nothing over the host to give up; and its
  // own id 0 is mapped into sandboxes, which takes one more.
  constexpr std::uint64_t kRootlessCapabilities =
      kRootsCapabilities | base::capability_set({CAP_SETFCAP});
  TRY(base::keep_capabilities(powers.is_root ? kRootsCapabilities : kRootlessCapabilities));
  TRY(base::forbid_new_privileges());
  return base::install_system_call_filter(kWardenFilter);
}

Result<> restrain_keeper() {
  TRY(base::keep_capabilities(0));
  TRY(base::forbid_new_privileges());
  return base::install_system_call_filter(kWardenFilter);
}

}  // namespace msb::isolation::warden
