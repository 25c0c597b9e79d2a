// SPDX-License-Identifier: Apache-2.0
//
// New namespaces of every kind, alone and together.
#include <sched.h>
#include <stdio.h>

#include "attempt.h"

int main(void) {
  static const long kFlags[] = {CLONE_NEWNS,
                                CLONE_NEWCGROUP,
                                CLONE_NEWUTS,
                                CLONE_NEWIPC,
                                CLONE_NEWUSER,
                                CLONE_NEWPID,
                                CLONE_NEWNET,
                                0x80 /* time */,
                                CLONE_NEWUSER | CLONE_NEWNS,
                                CLONE_NEWUSER | CLONE_NEWNET};
  for (size_t i = 0; i < sizeof kFlags / sizeof kFlags[0]; ++i) {
    char what[64];
    snprintf(what, sizeof what, "unshare(%#lx)", (unsigned long)kFlags[i]);
    refused(what, unshare((int)kFlags[i]));
    refused(what, syscall(SYS_unshare, kFlags[i] | CLONE_FS | CLONE_FILES));
    // The kernel looks at the low half.
    refused(what, syscall(SYS_unshare, kFlags[i] | (1L << 32)));
    OTHER_ENTRIES(unshare, 310, kFlags[i], 0, 0, 0);
  }
  return verdict();
}
