// SPDX-License-Identifier: Apache-2.0
//
// Preloaded into the QEMU of a clone. QEMU gives freed memory back to the kernel as soon as it has
// nothing else to free, which is when the machine has just begun to run; each of some 270 pieces
// interrupts the thread that runs it. The first time waits until a start is over. On the thread
// that does such things (call_rcu_thread() in its util/rcu.c), for which nobody waits.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

__attribute__((visibility("default"))) int malloc_trim(size_t pad);

int malloc_trim(size_t pad) {
  static atomic_flag began = ATOMIC_FLAG_INIT;
  if (!atomic_flag_test_and_set(&began)) {
    const struct timespec start = {.tv_sec = 1, .tv_nsec = 0};
    nanosleep(&start, NULL);
  }
  int (*trim)(size_t) = NULL;
  *(void**)&trim = dlsym(RTLD_NEXT, "malloc_trim");  // as POSIX has it for functions
  return trim != NULL ? trim(pad) : 0;
}
