// SPDX-License-Identifier: Apache-2.0
//
// A file of ours where programs trust /proc, and /proc where nothing covers it.
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "attempt.h"

int main(void) {
  const char* file = scratch("cover");
  close(open(file, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  static const char* const kTargets[] = {"/proc/self/attr/current", "/proc/self/status",
                                         "/proc/sysrq-trigger",     "/proc/kcore",
                                         "/proc/1/cgroup",          "/proc/sys/kernel/core_pattern",
                                         "/proc/self/fd/0"};
  for (size_t i = 0; i < sizeof kTargets / sizeof kTargets[0]; ++i) {
    refused(kTargets[i], mount(file, kTargets[i], NULL, MS_BIND, NULL));
    refused(kTargets[i], mount(kTargets[i], file, NULL, MS_BIND, NULL));
  }
  REFUSED(mount("/proc", "/tmp", NULL, MS_BIND, NULL));
  REFUSED(mount("proc", "/tmp", "proc", 0, NULL));
  REFUSED(mount("proc", "/proc", "proc", 0, NULL));
  REFUSED(rename("/proc", "/proc2"));
  REFUSED(rename("/proc/self", "/tmp/self"));
  REFUSED(rmdir("/proc"));
  REFUSED(symlink("/tmp", "/proc/kcore2"));
  unlink(file);
  return verdict();
}
