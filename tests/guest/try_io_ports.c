// SPDX-License-Identifier: Apache-2.0
//
// The machine's ports and registers.
#include <fcntl.h>
#include <sys/io.h>

#include "attempt.h"

static int out_byte(void) {
  __asm__ volatile("outb %%al, $0x80" : : "a"(0));
  return 1;
}

static int read_register(void) {
  unsigned low, high;
  __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x1b));
  return 1;
}

int main(void) {
  REFUSED(iopl(3));
  REFUSED(ioperm(0, 1024, 1));
  OTHER_ENTRIES(iopl, 110, 3, 0, 0, 0);
  OTHER_ENTRIES(ioperm, 101, 0, 1024, 1, 0);
  REFUSED(open("/dev/port", O_RDWR | O_CLOEXEC));
  REFUSED(open("/dev/cpu/0/msr", O_RDWR | O_CLOEXEC));
  REFUSED(open("/proc/bus/pci/00/00.0", O_RDWR | O_CLOEXEC));
  in_child("out", out_byte);
  in_child("rdmsr", read_register);
  return verdict();
}
