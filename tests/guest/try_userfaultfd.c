// SPDX-License-Identifier: Apache-2.0
//
// Page faults of the kernel that wait for us: what makes races in it easy to win.
#include <fcntl.h>

#include "attempt.h"

int main(void) {
  REFUSED(syscall(SYS_userfaultfd, 0));
  REFUSED(syscall(SYS_userfaultfd, 1 /* USER_MODE_ONLY */));
  REFUSED(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
  REFUSED(open("/dev/userfaultfd", O_RDWR | O_CLOEXEC));
  OTHER_ENTRIES(userfaultfd, 374, 0, 0, 0, 0);
  return verdict();
}
