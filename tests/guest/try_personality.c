// SPDX-License-Identifier: Apache-2.0
//
// Personalities that weaken a process's memory, and a page at address zero.
#include <sys/mman.h>
#include <sys/personality.h>

#include "attempt.h"

int main(void) {
  REFUSED(personality(MMAP_PAGE_ZERO));
  REFUSED(personality(READ_IMPLIES_EXEC));
  REFUSED(personality(ADDR_COMPAT_LAYOUT));
  REFUSED(personality(STICKY_TIMEOUTS));
  REFUSED(personality(PER_SVR4));
  REFUSED(syscall(SYS_personality, 1UL << 32 | MMAP_PAGE_ZERO));
  OTHER_ENTRIES(personality, 136, MMAP_PAGE_ZERO, 0, 0, 0);
  void* const zero =
      mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  refused("mmap(0, MAP_FIXED)", zero == MAP_FAILED ? -1 : 0);
  REFUSED(syscall(SYS_modify_ldt, 1, "0123456789abcdef", 16));
  return verdict();
}
