// SPDX-License-Identifier: Apache-2.0
//
// Memory that belongs to no process: memfds and System V segments, made until the kernel kills.
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <unistd.h>

#include "attack.h"

enum { kPieceBytes = 8 << 20 };

static void fill(void) {
  static char piece[64 * 1024];
  memset(piece, 'x', sizeof piece);
  while (goes_on()) {
    const int memory = memfd_create("fill", 0);
    for (int at = 0; memory >= 0 && at < kPieceBytes; at += (int)sizeof piece) {
      if (write(memory, piece, sizeof piece) < 0) {
        break;
      }
    }
    const int segment = shmget(IPC_PRIVATE, kPieceBytes, IPC_CREAT | 0600);
    void* const shared = shmat(segment, NULL, 0);
    if ((long)shared != -1) {
      shmctl(segment, IPC_RMID, NULL);
      memset(shared, 'x', kPieceBytes);
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  until_refused();
  printf("%u killed\n", in_children(2, fill));
  return 0;
}
