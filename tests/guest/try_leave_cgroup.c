// SPDX-License-Identifier: Apache-2.0
//
// Out of the sandbox's limits: another group, or higher numbers in its own.
#include <stdio.h>
#include <string.h>

#include "attempt.h"

int main(void) {
  static const char* const kPlaces[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/memory",
                                        "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/pids",
                                        "/sys/fs/cgroup/.."};
  static const char* const kFiles[] = {"cgroup.procs",
                                       "tasks",
                                       "cgroup.kill",
                                       "cgroup.freeze",
                                       "cgroup.subtree_control",
                                       "memory.max",
                                       "memory.limit_in_bytes",
                                       "memory.memsw.limit_in_bytes",
                                       "memory.oom_control",
                                       "memory.force_empty",
                                       "memory.swappiness",
                                       "cpu.max",
                                       "cpu.cfs_quota_us",
                                       "cpu.shares",
                                       "pids.max",
                                       "cgroup.event_control",
                                       "memory.high",
                                       "cpu.weight"};
  for (size_t i = 0; i < sizeof kPlaces / sizeof kPlaces[0]; ++i) {
    for (size_t j = 0; j < sizeof kFiles / sizeof kFiles[0]; ++j) {
      char path[128];
      snprintf(path, sizeof path, "%s/%s", kPlaces[i], kFiles[j]);
      refused_to_write(path);
    }
  }
  // Its own group is all it sees of the tree.
  char text[4096];
  if (read_text("/proc/self/cgroup", text, sizeof text) > 0) {
    holds(strstr(text, "msb-") == NULL, "/proc/self/cgroup names no group of the host", text);
  }
  return verdict();
}
