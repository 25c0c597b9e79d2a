// SPDX-License-Identifier: Apache-2.0
//
// An addon of Node.js's that seeds OpenSSL's random numbers from the kernel's: a process that was
// copied with its machine draws the same ones otherwise, and Node.js has no call for it. Seeding
// the primary generator makes all others, of every thread, seed themselves from it.
//
// Without any library, so that it loads beside every C library there is.
#include <stddef.h>
#include <sys/syscall.h>

// OpenSSL's. Not there: a Node.js without it.
// NOLINTNEXTLINE(readability-identifier-naming)
__attribute__((weak)) void RAND_add(const void* bytes, int size, double entropy_bytes);

static long get_random(void* bytes, size_t size) {
#if defined(__x86_64__)
  long result = SYS_getrandom;
  __asm__ volatile("syscall"
                   : "+a"(result)
                   : "D"(bytes), "S"(size), "d"(0)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long result __asm__("x0") = (long)bytes;
  register long size_here __asm__("x1") = (long)size;
  register long flags __asm__("x2") = 0;
  register long number __asm__("x8") = SYS_getrandom;
  __asm__ volatile("svc 0" : "+r"(result) : "r"(size_here), "r"(flags), "r"(number) : "memory");
  return result;
#endif
}

// Called once for each file that is loaded.
__attribute__((visibility("default"))) void* napi_register_module_v1(void* env, void* exports);

void* napi_register_module_v1(void* env, void* exports) {
  (void)env;
  unsigned char bytes[64];
  if (get_random(bytes, sizeof bytes) != (long)sizeof bytes) {
    __builtin_trap();
  }
  if (RAND_add != NULL) {
    RAND_add(bytes, sizeof bytes, sizeof bytes);
  }
  return exports;
}
