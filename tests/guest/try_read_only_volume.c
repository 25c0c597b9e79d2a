// SPDX-License-Identifier: Apache-2.0
//
// Every way to change a read-only volume: its files, their owners, times, names, attributes,
// blocks.
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>

#include "attempt.h"

int main(void) {
  static const char* const kFile = "/attempts/try_setns";
  refused_to_write(kFile);
  REFUSED(open("/attempts/made", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  REFUSED(open("/attempts", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  REFUSED(mkdir("/attempts/made", 0755));
  REFUSED(symlink("/etc", "/attempts/made"));
  REFUSED(link(kFile, "/attempts/made"));
  REFUSED(mkfifo("/attempts/made", 0644));
  REFUSED(unlink(kFile));
  REFUSED(rename(kFile, "/attempts/made"));
  REFUSED(syscall(SYS_renameat2, AT_FDCWD, kFile, AT_FDCWD, "/attempts/try_unshare", 2));
  REFUSED(rmdir("/attempts"));
  REFUSED(rename("/attempts", "/attempts2"));
  REFUSED(truncate(kFile, 0));
  REFUSED(chmod(kFile, 0777));
  REFUSED(syscall(452, AT_FDCWD, kFile, 0777, 0));
  REFUSED(chown(kFile, geteuid(), getegid()));
  REFUSED(utimes(kFile, NULL));
  REFUSED(setxattr(kFile, "user.made", "x", 1, 0));
  REFUSED(removexattr(kFile, "user.made"));
  const int fd = open(kFile, O_RDONLY | O_CLOEXEC);
  REFUSED(fchmod(fd, 0777));
  REFUSED(ftruncate(fd, 0));
  REFUSED(fallocate(fd, 0, 0, 4096));
  REFUSED(write(fd, "x", 1));
  REFUSED(futimes(fd, NULL));
  long flags = 0x10;
  REFUSED(ioctl(fd, 0x40086602 /* FS_IOC_SETFLAGS */, &flags));
  REFUSED(ioctl(fd, 0x5412 /* TIOCSTI */, "x"));
  void* const shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  refused("mmap(PROT_WRITE, MAP_SHARED)", shared == MAP_FAILED ? -1 : 0);
  void* const later = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  refused("mprotect(PROT_WRITE)", mprotect(later, 4096, PROT_READ | PROT_WRITE));
  const int source = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  REFUSED(sendfile(fd, source, NULL, 16));
  REFUSED(copy_file_range(source, NULL, fd, NULL, 16, 0));
  return verdict();
}
