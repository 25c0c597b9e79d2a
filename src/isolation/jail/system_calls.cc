// SPDX-License-Identifier: Apache-2.0
//
// Two programs, because the two questions want opposite defaults: which calls at all (others: no
// such call), and with which arguments (others: allowed). The kernel obeys the stricter answer, and
// keeps a table of the calls that both always allow, which then cost nothing. A third stands
// between them where files are shared with the host.
#include "isolation/jail/system_calls.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <span>

#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

#include "system_call_program.inc"

Result<> install(std::span<const sock_filter> program) {
  sock_fprog filter{};
  filter.len = static_cast<unsigned short>(program.size());
  // SAFETY: the kernel copies the program; it does not write to it.
  filter.filter = const_cast<sock_filter*>(program.data());
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0) {
    return std::unexpected(base::sys::error("seccomp"));
  }
  return {};
}

}  // namespace

Result<> restrict_system_calls(SetIdBits bits) {
  // The first must still allow the others.
  TRY(install(kByNumber));
  if (bits == SetIdBits::kRefused) {
    TRY(install(kWithoutSetId));
  }
  return install(kByArgument);
}

}  // namespace msb::isolation::jail
