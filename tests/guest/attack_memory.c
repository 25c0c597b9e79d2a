// SPDX-License-Identifier: Apache-2.0
//
// Memory, touched page by page, until the kernel kills; then again.
#include <stdio.h>
#include <sys/mman.h>

#include "attack.h"

static void eat(void) {
  const size_t piece = 16u << 20;
  while (goes_on()) {
    char* memory = mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t at = 0; memory != MAP_FAILED && at < piece; at += 4096) {
      memory[at] = 1;
    }
  }
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  until_refused();
  printf("%u killed\n", in_children(2, eat));
  return 0;
}
