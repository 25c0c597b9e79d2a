// SPDX-License-Identifier: Apache-2.0
//
// A file in a shared folder that would run as its owner on the host.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

struct How {
  unsigned long long flags, mode, resolve;
};

int main(void) {
  static char file[64];
  static char made[64];
  snprintf(file, sizeof file, "/shared/plain%d", getpid());
  snprintf(made, sizeof made, "/shared/made%d", getpid());
  close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
  static const mode_t kBits[] = {04755, 02755, 06777};
  for (size_t i = 0; i < sizeof kBits / sizeof kBits[0]; ++i) {
    REFUSED(chmod(file, kBits[i]));
    REFUSED(fchmodat(AT_FDCWD, file, kBits[i], 0));
    REFUSED(syscall(452 /* fchmodat2 */, AT_FDCWD, file, kBits[i], 0));
    REFUSED(syscall(SYS_chmod, file, kBits[i] | 1UL << 32));
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    REFUSED(fchmod(fd, kBits[i]));
    close(fd);
    REFUSED(creat(made, kBits[i]));
    REFUSED(open(made, O_CREAT | O_WRONLY | O_CLOEXEC, kBits[i]));
    REFUSED(open("/shared", O_TMPFILE | O_WRONLY | O_CLOEXEC, kBits[i]));
    REFUSED(mknod(made, S_IFREG | kBits[i], 0));
    REFUSED(mknodat(AT_FDCWD, made, S_IFREG | kBits[i], 0));
    struct How how = {O_CREAT | O_WRONLY, kBits[i], 0};
    REFUSED(syscall(SYS_openat2, AT_FDCWD, made, &how, sizeof how));
    OTHER_ENTRIES(chmod, 15, (long)file, kBits[i], 0, 0);
    unlink(made);
  }
  struct stat status;
  holds(stat(file, &status) == 0 && (status.st_mode & 06000) == 0, "no bit is set", NULL);
  // Left for the host to look at.
  return verdict();
}
