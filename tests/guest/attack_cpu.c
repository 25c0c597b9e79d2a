// SPDX-License-Identifier: Apache-2.0
//
// Every processor, by more threads than there are.
#include <pthread.h>
#include <stdio.h>

#include "attack.h"

static void* spin(void* unused) {
  while (goes_on()) {
    for (volatile int i = 0; i < 100000; ++i) {
    }
  }
  return unused;
}

int main(int argc, char** argv) {
  begin_attack(argc, argv);
  enum { kThreads = 32 };
  pthread_t threads[kThreads];
  unsigned started = 0;
  for (unsigned i = 0; i < kThreads; ++i) {
    started += pthread_create(&threads[started], NULL, spin, NULL) == 0;
  }
  for (unsigned i = 0; i < started; ++i) {
    pthread_join(threads[i], NULL);
  }
  printf("%u threads\n", started);
  return 0;
}
