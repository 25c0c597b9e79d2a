// SPDX-License-Identifier: Apache-2.0
//
// File systems made by the newer calls.
#include <fcntl.h>

#include "attempt.h"

int main(void) {
  static const char* const kTypes[] = {"tmpfs", "proc", "sysfs", "overlay", "cgroup2",
                                       "ext4",  "bpf",  "fuse",  "mqueue"};
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    refused(kTypes[i], syscall(SYS_fsopen, kTypes[i], 0));
    refused(kTypes[i], syscall(SYS_fsopen, kTypes[i], 1 /* CLOEXEC */));
  }
  REFUSED(syscall(SYS_fsconfig, 0, 6 /* CREATE */, 0, 0, 0));
  REFUSED(syscall(SYS_fsmount, 0, 0, 0));
  REFUSED(syscall(SYS_fspick, AT_FDCWD, "/", 0));
  REFUSED(syscall(SYS_fspick, AT_FDCWD, "/proc", 8 /* EMPTY_PATH */));
  OTHER_ENTRIES(fsopen, 430, (long)"tmpfs", 0, 0, 0);
  OTHER_ENTRIES(fsmount, 432, 0, 0, 0, 0);
  return verdict();
}
