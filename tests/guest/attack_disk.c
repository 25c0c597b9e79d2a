// SPDX-License-Identifier: Apache-2.0
//
// The writable layer, filled to its last block, emptied, filled.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  static char piece[256 * 1024];
  memset(piece, 'x', sizeof piece);
  int refusal = 0;
  unsigned rounds = 0;
  do {
    const int fd = open("/tmp/fill", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    // To the end once, even when the time is over: the reason is what this is about.
    while (goes_on() || refusal == 0) {
      if (write(fd, piece, sizeof piece) < 0) {
        refusal = errno;
        break;
      }
    }
    close(fd);
    if (goes_on()) {
      unlink("/tmp/fill");
      ++rounds;
    }
  } while (goes_on());
  printf("%u rounds: %s\n", rounds, strerror(refusal));
  return 0;
}
