// SPDX-License-Identifier: Apache-2.0
//
// Another kernel in the place of the host's.
#include <fcntl.h>

#include "attempt.h"

int main(void) {
  REFUSED(syscall(SYS_kexec_load, 0, 0, 0, 0));
  REFUSED(syscall(SYS_kexec_load, 0, 0, 0, 1 /* on crash */));
  OTHER_ENTRIES(kexec_load, 283, 0, 0, 0, 0);
  const int kernel = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  REFUSED(syscall(SYS_kexec_file_load, kernel, kernel, 1, "", 0));
  REFUSED(syscall(SYS_kexec_file_load, -1, -1, 0, 0, 1 /* unload */));
  return verdict();
}
