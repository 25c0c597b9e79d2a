// SPDX-License-Identifier: Apache-2.0
//
// Work for processors that others run on: memory barriers everywhere, page tables changed under
// threads.
#include <linux/membarrier.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "attack.h"

static void* barriers(void* unused) {
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0);
  syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
  while (goes_on()) {
    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
  }
  return unused;
}

static void* page_tables(void* unused) {
  const size_t size = 1u << 20;
  char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  while (memory != MAP_FAILED && goes_on()) {
    memory[0] = 1;
    mprotect(memory, size, PROT_READ);
    mprotect(memory, size, PROT_READ | PROT_WRITE);
    madvise(memory, size, MADV_DONTNEED);
  }
  return unused;
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  pthread_t threads[8];
  for (int i = 0; i < 8; ++i) {
    pthread_create(&threads[i], NULL, i % 2 == 0 ? barriers : page_tables, NULL);
  }
  for (int i = 0; i < 8; ++i) {
    pthread_join(threads[i], NULL);
  }
  printf("over\n");
  return 0;
}
