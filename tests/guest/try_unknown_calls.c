// SPDX-License-Identifier: Apache-2.0
//
// Numbers that no call has yet, and those the policy does not know: each is ENOSYS.
#include <stdio.h>

#include "attempt.h"

// The kernel's own, for tracing: whoever calls them is killed by it, whatever a filter says.
static int uretprobe(void) {
  return syscall(335) == 0 ? 1 : 0;
}
static int uprobe(void) {
  return syscall(336) == 0 ? 1 : 0;
}
// Of the x32 entry, by their bits.
static int minus_one(void) {
  return syscall(-1, 0, 0, 0) < 0 ? 0 : 1;
}
static int largest(void) {
  return syscall(0x7fffffff, 0, 0, 0) < 0 ? 0 : 1;
}

int main(void) {
  in_child("call 335", uretprobe);
  in_child("call 336", uprobe);
  for (long number = 337; number < 424; ++number) {
    char what[32];
    snprintf(what, sizeof what, "call %ld", number);
    refused(what, syscall(number, 0, 0, 0, 0, 0, 0));
  }
  for (long number = 463; number < 1024; ++number) {
    char what[32];
    snprintf(what, sizeof what, "call %ld", number);
    refused(what, syscall(number, 0, 0, 0, 0, 0, 0));
  }
  // Of those there are: listing mounts and namespaces, LSM settings, others' memory.
  static const long kNewer[] = {447, 453, 457, 458, 459, 460, 461, 463, 464, 465, 466};
  for (size_t i = 0; i < sizeof kNewer / sizeof kNewer[0]; ++i) {
    char what[32];
    snprintf(what, sizeof what, "call %ld", kNewer[i]);
    if (kNewer[i] != 447) {  // memfd_secret is allowed
      refused(what, syscall(kNewer[i], 0, 0, 0, 0, 0, 0));
    }
  }
  in_child("call -1", minus_one);
  in_child("call 0x7fffffff", largest);
  REFUSED(syscall(0x100000000L | SYS_mount, "none", "/tmp", "tmpfs", 0, 0));
  return verdict();
}
