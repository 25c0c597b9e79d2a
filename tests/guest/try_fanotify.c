// SPDX-License-Identifier: Apache-2.0
//
// Watching a whole file system: what neighbours and the host do with the layers we share.
#include <fcntl.h>

#include "attempt.h"

int main(void) {
  static const unsigned kClasses[] = {0, 4 /* CONTENT */, 8 /* PRE_CONTENT */,
                                      0x200 /* REPORT_FID */, 0x600};
  for (size_t i = 0; i < sizeof kClasses / sizeof kClasses[0]; ++i) {
    REFUSED(syscall(SYS_fanotify_init, kClasses[i], O_RDONLY));
  }
  REFUSED(syscall(SYS_fanotify_mark, 0, 1, 0x20, AT_FDCWD, "/"));
  OTHER_ENTRIES(fanotify_init, 338, 0, 0, 0, 0);
  REFUSED(syscall(SYS_lookup_dcookie, 0, 0, 0));
  return verdict();
}
