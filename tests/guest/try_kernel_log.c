// SPDX-License-Identifier: Apache-2.0
//
// The kernel's log, with its addresses.
#include <stdio.h>

#include "attempt.h"

int main(void) {
  static char text[256];
  for (int action = 0; action <= 10; ++action) {
    char what[32];
    snprintf(what, sizeof what, "syslog(%d)", action);
    refused(what, syscall(SYS_syslog, action, text, sizeof text));
  }
  OTHER_ENTRIES(syslog, 103, 3, (long)text, sizeof text, 0);
  refused_to_read("/dev/kmsg");
  refused_to_read("/proc/kmsg");
  refused_to_read("/proc/kallsyms");
  refused_to_read("/proc/modules");
  refused_to_read("/sys/kernel/notes");
  refused_to_read("/sys/kernel/vmcoreinfo");
  refused_to_read("/proc/self/stack");
  return verdict();
}
