// SPDX-License-Identifier: Apache-2.0
//
// Files in memory: /dev/shm filled to its end, emptied, filled.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  until_refused();
  static char piece[256 * 1024];
  memset(piece, 'x', sizeof piece);
  int refusal = 0;
  unsigned rounds = 0;
  while (goes_on()) {
    const int fd = open("/dev/shm/fill", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    while (goes_on()) {
      if (write(fd, piece, sizeof piece) < 0) {
        refusal = errno;
        was_refused();
        break;
      }
    }
    close(fd);
    unlink("/dev/shm/fill");
    ++rounds;
  }
  printf("%u rounds: %s\n", rounds, refusal == 0 ? "never refused" : strerror(refusal));
  return 0;
}
