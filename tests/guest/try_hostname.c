// SPDX-License-Identifier: Apache-2.0
//
// The names of the host.
#include <string.h>

#include "attempt.h"

int main(void) {
  REFUSED(sethostname("escaped", 7));
  REFUSED(setdomainname("escaped", 7));
  REFUSED(syscall(SYS_sethostname, "escaped", 7));
  OTHER_ENTRIES(sethostname, 74, (long)"escaped", 7, 0, 0);
  refused_to_write("/proc/sys/kernel/hostname");
  refused_to_write("/proc/sys/kernel/domainname");
  char name[256] = "";
  gethostname(name, sizeof name);
  holds(strcmp(name, bait("HOSTNAME")) != 0, "the host's own name is not told", name);
  return verdict();
}
