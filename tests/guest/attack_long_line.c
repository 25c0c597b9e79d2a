// SPDX-License-Identifier: Apache-2.0
//
// A line of a gigabyte on standard output, as fast as it is taken.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "attack.h"

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  static char piece[256 * 1024];
  memset(piece, 'x', sizeof piece);
  unsigned long left = 1ul << 30;
  while (left > 0 && goes_on()) {
    const ssize_t written = write(1, piece, sizeof piece);
    if (written <= 0) {
      break;
    }
    left -= (unsigned long)written;
  }
  return 0;
}
