// SPDX-License-Identifier: Apache-2.0
//
// What a warden may call, and with it the processes that build jails, e2fsprogs, and every sandbox,
// which inherit the filter: so it starts from a guest's calls, and adds those that make namespaces
// and mounts. What is left out is what no part of the work needs and the host's root could do most
// with: kernel modules, kexec, BPF, perf, io_uring, userfaultfd, keyrings, file handles, ports of
// the machine, its clock, swap and quotas.
//
// The filter costs a sandbox nothing: the kernel keeps a table of the calls that all filters of a
// process always allow.
#include <algorithm>
#include <cerrno>
#include <string_view>

#include "base/policy/compiler.h"
#include "isolation/jail/guest_calls.h"

namespace msb::isolation::warden {
namespace {

using base::policy::Program;

// clang-format off
constexpr const char* kOwnCalls[] = {
    // namespaces
    "clone3", "setns", "sethostname", "unshare",
    // mounts
    "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr", "move_mount", "open_tree",
    "pivot_root", "umount2",
    // a part of gVisor
    "chroot",
    // a guest has it with some arguments only, which its own filter tells apart
    "personality",
};
// clang-format on

bool is_own(const char* refused) {
  return std::ranges::any_of(
      kOwnCalls, [refused](std::string_view own) { return own == std::string_view(refused); });
}

Result<std::vector<sock_filter>> build() {
  Program program(SCMP_ACT_ERRNO(ENOSYS));
  program.add_all(SCMP_ACT_ALLOW, jail::kGuestCalls);
  for (const int number : jail::kGuestCallsByNumber) {
    program.add(SCMP_ACT_ALLOW, number);
  }
  program.add_all(SCMP_ACT_ALLOW, kOwnCalls);
  for (const char* refused : jail::kRefusedCalls) {
    if (!is_own(refused)) {
      program.add(SCMP_ACT_ERRNO(EPERM), refused);
    }
  }
  return program.finish();
}

}  // namespace
}  // namespace msb::isolation::warden

int main() {
  const msb::base::policy::Table tables[] = {
      {.name = "kWardenFilter", .program = msb::isolation::warden::build()}};
  return msb::base::policy::print_tables("isolation/warden/system_call_policy.cc", tables);
}
