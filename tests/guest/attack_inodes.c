// SPDX-License-Identifier: Apache-2.0
//
// Files without a byte in them, as many as the file system has numbers for.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attack.h"

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  mkdir("/tmp/inodes", 0700);
  int refusal = 0;
  unsigned made = 0;
  while (goes_on() || refusal == 0) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/inodes/%u", made);
    const int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0) {
      refusal = errno;
      if (!goes_on()) {
        break;
      }
      // Some go, some come: work for the file system, to the end of the time.
      for (unsigned i = 0; i < 500 && made > 0; ++i) {
        snprintf(path, sizeof path, "/tmp/inodes/%u", --made);
        unlink(path);
      }
      continue;
    }
    close(fd);
    ++made;
  }
  printf("%u files: %s\n", made, strerror(refusal));
  return 0;
}
