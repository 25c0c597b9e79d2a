// SPDX-License-Identifier: Apache-2.0
//
// Pipes and socket buffers, each filled to the brim and never read.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"

static void fill(void) {
  static char piece[64 * 1024];
  memset(piece, 'x', sizeof piece);
  while (goes_on()) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
      close_range(3, ~0u, 0);
      continue;
    }
    fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    while (write(ends[1], piece, sizeof piece) > 0) {
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0) {
      while (send(ends[1], piece, sizeof piece, MSG_NOSIGNAL) > 0) {
      }
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  until_refused();
  printf("%u killed\n", in_children(4, fill));
  return 0;
}
