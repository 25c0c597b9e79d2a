// SPDX-License-Identifier: Apache-2.0
//
// Files of the sandbox as the host's swap, its log of processes, its quota files.
#include <fcntl.h>
#include <sys/swap.h>

#include "attempt.h"

int main(void) {
  const char* file = scratch("swap");
  close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  REFUSED(swapon(file, 0));
  REFUSED(swapoff(file));
  REFUSED(acct(file));
  REFUSED(acct(NULL));
  OTHER_ENTRIES(swapon, 87, (long)"/tmp", 0, 0, 0);
  OTHER_ENTRIES(acct, 51, 0, 0, 0, 0);
  REFUSED(syscall(SYS_quotactl, 0x80000700, "/dev/vda", 0, 0));
  REFUSED(syscall(443 /* quotactl_fd */, 0, 0x80000700, 0, 0));
  REFUSED(syscall(SYS_nfsservctl, 0, 0, 0));
  unlink(file);
  return verdict();
}
