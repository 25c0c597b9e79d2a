// SPDX-License-Identifier: Apache-2.0
//
// A crash that makes the host run something, or write a file: with the limit raised, the process
// made dumpable, and in every folder that could take a core.
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "attempt.h"

static int crash(void) {
  const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  (void)setrlimit(RLIMIT_CORE, &all);
  (void)prlimit(0, RLIMIT_CORE, &all, NULL);
  prctl(PR_SET_DUMPABLE, 1);
  if (chdir("/tmp") != 0) {
    return 1;
  }
  abort();
}

int main(void) {
  static const char* const kFiles[] = {
      "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/core_pipe_limit",
      "/proc/sys/kernel/core_uses_pid", "/proc/sys/fs/suid_dumpable"};
  for (size_t i = 0; i < sizeof kFiles / sizeof kFiles[0]; ++i) {
    refused_to_write(kFiles[i]);
  }
  in_child("crash with RLIMIT_CORE raised", crash);
  struct rlimit now;
  getrlimit(RLIMIT_CORE, &now);
  const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
  (void)setrlimit(RLIMIT_CORE, &all);
  getrlimit(RLIMIT_CORE, &now);
  holds(now.rlim_max <= 1, "the limit on cores stays", NULL);
  glob_t cores;
  holds(glob("/tmp/core*", 0, NULL, &cores) == GLOB_NOMATCH, "no core is written", NULL);
  return verdict();
}
