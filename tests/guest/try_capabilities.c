// SPDX-License-Identifier: Apache-2.0
//
// More capabilities than the eight there are: by capset, ambient set, bounding set, file
// capabilities, user ids, securebits.
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "attempt.h"

// CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID NET_BIND_SERVICE
static const unsigned long long kHarmless = 0x4fb;

static unsigned long long status_bits(const char* key) {
  char text[4096];
  unsigned long long bits = ~0ULL;
  if (read_text("/proc/self/status", text, sizeof text) > 0) {
    const char* line = strstr(text, key);
    if (line != NULL) {
      sscanf(line + strlen(key), ":\t%llx", &bits);
    }
  }
  return bits;
}

static void nothing_gained(const char* after) {
  static const char* const kSets[] = {"CapEff", "CapPrm", "CapBnd", "CapAmb", "CapInh"};
  for (size_t i = 0; i < sizeof kSets / sizeof kSets[0]; ++i) {
    char what[96];
    snprintf(what, sizeof what, "%s is harmless after %s", kSets[i], after);
    holds((status_bits(kSets[i]) & ~kHarmless) == 0, what, NULL);
  }
}

int main(void) {
  nothing_gained("the start");
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct all[2] = {{~0u, ~0u, ~0u}, {~0u, ~0u, ~0u}};
  REFUSED(syscall(SYS_capset, &header, all));
  struct __user_cap_data_struct inheritable[2] = {{0, 0, ~0u}, {0, 0, ~0u}};
  REFUSED(syscall(SYS_capset, &header, inheritable));
  for (long capability = 0; capability <= CAP_LAST_CAP; ++capability) {
    if ((kHarmless >> capability & 1) == 0) {
      REFUSED(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0));
      holds(prctl(PR_CAPBSET_READ, capability, 0, 0, 0) == 0, "not in the bounding set", NULL);
    }
  }
  REFUSED(prctl(PR_SET_SECUREBITS, SECBIT_KEEP_CAPS | SECBIT_NO_SETUID_FIXUP, 0, 0, 0));
  REFUSED(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
  harmless("setuid(0)", setuid(0));
  nothing_gained("setuid(0)");
  // File capabilities: they may be set by root of this namespace, and must not count.
  const char* program = scratch("capable");
  const int fd = open(program, O_CREAT | O_WRONLY | O_CLOEXEC, 0755);
  const unsigned capability[] = {0x02000001, ~0u, 0, ~0u, 0};
  REFUSED(fsetxattr(fd, "security.capability", capability, sizeof capability, 0));
  close(fd);
  unlink(program);
  nothing_gained("setting file capabilities");
  return verdict();
}
