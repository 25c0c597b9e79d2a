// SPDX-License-Identifier: Apache-2.0
//
// Moving mounts by descriptor.
#include <fcntl.h>
#include <sys/mount.h>

#include "attempt.h"

int main(void) {
  static const char* const kMounts[] = {"/", "/proc", "/proc/sys", "/dev", "/dev/shm", "/attempts"};
  for (size_t i = 0; i < sizeof kMounts / sizeof kMounts[0]; ++i) {
    const int fd = open(kMounts[i], O_PATH | O_CLOEXEC);
    refused(kMounts[i], syscall(SYS_move_mount, fd, "", AT_FDCWD, "/tmp", 4 /* F_EMPTY_PATH */));
    refused(kMounts[i], syscall(SYS_move_mount, AT_FDCWD, kMounts[i], AT_FDCWD, "/tmp", 0));
    refused(kMounts[i], syscall(SYS_move_mount, fd, "", fd, "", 0x44 | 0x100 /* SET_GROUP */));
    close(fd);
  }
  OTHER_ENTRIES(move_mount, 429, AT_FDCWD, (long)"/proc", AT_FDCWD, (long)"/tmp");
  return verdict();
}
