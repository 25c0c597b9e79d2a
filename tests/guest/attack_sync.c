// SPDX-License-Identifier: Apache-2.0
//
// Flushing: sync() reaches every file system of the host.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "attack.h"

static void flush(void) {
  char path[64];
  snprintf(path, sizeof path, "/tmp/sync%d", getpid());
  const int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  while (goes_on()) {
    if (pwrite(fd, "x", 1, 0) < 0) {
      break;
    }
    sync();
  }
  unlink(path);
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  in_children(4, flush);
  printf("flushed\n");
  return 0;
}
