// SPDX-License-Identifier: Apache-2.0
//
// Weaker attributes for the mounts there are: writable, setuid, devices, other ids.
#include <fcntl.h>

#include "attempt.h"

struct Attributes {
  unsigned long long set, clear, propagation, user_namespace;
};

int main(void) {
  static struct Attributes weaker = {.clear = 1 | 2 | 4 | 8 /* RDONLY NOSUID NODEV NOEXEC */};
  static struct Attributes mapped = {.set = 0x00100000 /* IDMAP */};
  mapped.user_namespace = (unsigned long long)open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  static const char* const kMounts[] = {"/", "/proc", "/proc/sys", "/sys", "/attempts", "/dev"};
  for (size_t i = 0; i < sizeof kMounts / sizeof kMounts[0]; ++i) {
    refused(kMounts[i], syscall(442, AT_FDCWD, kMounts[i], 0, &weaker, sizeof weaker));
    refused(kMounts[i], syscall(442, AT_FDCWD, kMounts[i], 0x8000, &weaker, sizeof weaker));
    refused(kMounts[i], syscall(442, AT_FDCWD, kMounts[i], 0, &mapped, sizeof mapped));
  }
  return verdict();
}
