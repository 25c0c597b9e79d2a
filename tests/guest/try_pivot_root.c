// SPDX-License-Identifier: Apache-2.0
//
// Another root, with the old one beneath it.
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  REFUSED(syscall(SYS_pivot_root, "/", "/"));
  REFUSED(syscall(SYS_pivot_root, ".", "."));
  const char* root = scratch("root");
  mkdir(root, 0755);
  REFUSED(syscall(SYS_pivot_root, root, root));
  REFUSED(syscall(SYS_pivot_root, "/proc", "/proc"));
  OTHER_ENTRIES(pivot_root, 217, (long)"/tmp", (long)"/tmp", 0, 0);
  rmdir(root);
  return verdict();
}
