// SPDX-License-Identifier: Apache-2.0
//
// Children born into new namespaces: the flags of clone, with and without what libraries pass
// along.
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "attempt.h"

static int child(void* unused) {
  (void)unused;
  return 0;
}

int main(void) {
  static const unsigned long kFlags[] = {CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
                                         CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};
  enum { kStackBytes = 64 * 1024 };
  char* stack = malloc(kStackBytes);
  for (size_t i = 0; i < sizeof kFlags / sizeof kFlags[0]; ++i) {
    static const unsigned long kCompany[] = {0,
                                             SIGCHLD,
                                             CLONE_VM | CLONE_VFORK | SIGCHLD,
                                             CLONE_NEWUSER | SIGCHLD,
                                             CLONE_PARENT,
                                             (1UL << 32) | SIGCHLD};
    for (size_t j = 0; j < sizeof kCompany / sizeof kCompany[0]; ++j) {
      char what[64];
      snprintf(what, sizeof what, "clone(%#lx)", kFlags[i] | kCompany[j]);
      const long made =
          syscall(SYS_clone, kFlags[i] | (kCompany[j] & ~(unsigned long)CLONE_VM), 0, 0, 0, 0);
      if (made == 0) {
        _exit(0);
      }
      refused(what, made);
      refused(what, clone(child, stack + kStackBytes, (int)(kFlags[i] | kCompany[j]), NULL));
    }
    OTHER_ENTRIES(clone, 120, (long)(kFlags[i] | SIGCHLD), 0, 0, 0);
  }
  return verdict();
}
