// SPDX-License-Identifier: Apache-2.0
//
// System calls that no filter sees, made through a ring.
#include <string.h>

#include "attempt.h"

int main(void) {
  static unsigned parameters[30];
  REFUSED(syscall(SYS_io_uring_setup, 8, parameters));
  REFUSED(syscall(SYS_io_uring_setup, 1, parameters));
  REFUSED(syscall(SYS_io_uring_enter, 0, 1, 1, 0, 0, 0));
  REFUSED(syscall(SYS_io_uring_register, -1, 0, 0, 0));
  OTHER_ENTRIES(io_uring_setup, 425, 8, (long)parameters, 0, 0);
  // The older kind of asynchronous requests, which the kernel counts for the whole host.
  static unsigned long context;
  REFUSED(syscall(SYS_io_setup, 65536, &context));
  REFUSED(syscall(SYS_io_submit, 0, 0, 0));
  OTHER_ENTRIES(io_setup, 245, 128, (long)&context, 0, 0);
  return verdict();
}
