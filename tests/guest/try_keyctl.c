// SPDX-License-Identifier: Apache-2.0
//
// Key rings, which no namespace separates: adding, reading, taking the host's.
#include <stdio.h>

#include "attempt.h"

int main(void) {
  REFUSED(syscall(SYS_add_key, "user", "escaped", "x", 1, -3 /* session */));
  REFUSED(syscall(SYS_add_key, "keyring", "escaped", 0, 0, -4 /* user */));
  REFUSED(syscall(SYS_request_key, "user", "escaped", "x", -3));
  for (int command = 0; command <= 32; ++command) {
    char what[32];
    snprintf(what, sizeof what, "keyctl(%d)", command);
    refused(what, syscall(SYS_keyctl, command, -3, 0, 0, 0));
  }
  OTHER_ENTRIES(keyctl, 288, 0, -3, 1, 0);
  OTHER_ENTRIES(add_key, 286, (long)"user", (long)"escaped", (long)"x", 1);
  refused_to_read("/proc/keys");
  refused_to_read("/proc/key-users");
  return verdict();
}
