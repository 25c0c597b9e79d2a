// SPDX-License-Identifier: Apache-2.0
//
// Files in a shared folder for owners the sandbox has no power over, and hard links that outlive
// it.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  char file[64];
  char other[64];
  snprintf(file, sizeof file, "/shared/owned%d", getpid());
  close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  // Ids that only the host has.
  static const unsigned kIds[] = {65536, 0x70000000, 0x70010000, 4294967294u};
  for (size_t i = 0; i < sizeof kIds / sizeof kIds[0]; ++i) {
    REFUSED(chown(file, kIds[i], (gid_t)-1));
    REFUSED(chown(file, (uid_t)-1, kIds[i]));
    REFUSED(lchown(file, kIds[i], kIds[i]));
  }
  snprintf(other, sizeof other, "/tmp/linked%d", getpid());
  REFUSED(link(file, other));
  REFUSED(link("/attempts/try_setns", "/shared/linked"));
  REFUSED(link("/etc/passwd", "/shared/linked"));
  REFUSED(rename(file, other));
  REFUSED(syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, "/etc/passwd", 2 /* EXCHANGE */));
  REFUSED(rename("/shared", "/shared2"));
  REFUSED(rmdir("/shared"));
  unlink(file);
  return verdict();
}
