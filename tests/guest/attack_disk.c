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
  bool is_last = false;
  do {
    // The last round begins when the time is over, and leaves the disk full.
    is_last = !goes_on();
    const int fd = open("/tmp/fill", O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    while (write(fd, piece, sizeof piece) > 0) {
    }
    refusal = errno;
    close(fd);
    if (!is_last) {
      unlink("/tmp/fill");
    }
    ++rounds;
  } while (!is_last);
  printf("%u rounds: %s\n", rounds, strerror(refusal));
  return 0;
}
