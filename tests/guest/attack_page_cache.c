// SPDX-License-Identifier: Apache-2.0
//
// The page cache and the disk behind it: a file larger than the memory, written and read over and
// over, with flushes in between.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  static char piece[1 << 20];
  memset(piece, 'x', sizeof piece);
  const int fd = open("/tmp/cache", O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
  unsigned long written = 0;
  unsigned long read_back = 0;
  while (goes_on()) {
    for (int i = 0; i < 160 && goes_on(); ++i) {
      written += pwrite(fd, piece, sizeof piece, (off_t)i * (off_t)sizeof piece) > 0;
    }
    fdatasync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    for (int i = 0; i < 160 && goes_on(); ++i) {
      read_back += pread(fd, piece, sizeof piece, (off_t)i * (off_t)sizeof piece) > 0;
    }
  }
  if (written == 0) {
    printf("nothing was written: %s\n", strerror(errno));
    return 1;
  }
  printf("%lu MiB written, %lu read\n", written, read_back);
  unlink("/tmp/cache");
  return 0;
}
