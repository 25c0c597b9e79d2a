// SPDX-License-Identifier: Apache-2.0
//
// Descriptors of others through pidfds.
#include <signal.h>

#include "attempt.h"

int main(void) {
  const long pids[] = {1, bait_number("PID"), bait_number("NEIGHBOUR_PID")};
  for (size_t i = 0; i < sizeof pids / sizeof pids[0]; ++i) {
    const long fd = syscall(SYS_pidfd_open, pids[i], 0);
    if (pids[i] == 1) {
      harmless("pidfd_open(1)", fd);
    } else {
      refused("pidfd_open(of the host)", fd);
    }
    for (int number = 0; fd >= 0 && number < 64; ++number) {
      REFUSED(syscall(SYS_pidfd_getfd, fd, number, 0));
    }
    if (fd >= 0) {
      OTHER_ENTRIES(pidfd_getfd, 438, fd, 3, 0, 0);
      REFUSED(syscall(SYS_process_madvise, fd, 0, 0, 21 /* PAGEOUT */, 0) > 0 ? 0 : -1);
      REFUSED(syscall(448 /* process_mrelease */, fd, 0));
    }
  }
  return verdict();
}
