// SPDX-License-Identifier: Apache-2.0
//
// Joining namespaces: the sandbox's own (to gain power over them), its first process's, and those
// behind pidfds.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>

#include "attempt.h"

static const char* const kKinds[] = {"cgroup",           "ipc",  "mnt",  "net", "pid",
                                     "pid_for_children", "time", "user", "uts"};

int main(void) {
  static const char* const kOwners[] = {"self", "1", "thread-self"};
  for (size_t owner = 0; owner < sizeof kOwners / sizeof kOwners[0]; ++owner) {
    for (size_t kind = 0; kind < sizeof kKinds / sizeof kKinds[0]; ++kind) {
      char path[64];
      snprintf(path, sizeof path, "/proc/%s/ns/%s", kOwners[owner], kKinds[kind]);
      const int fd = open(path, O_RDONLY | O_CLOEXEC);
      if (fd < 0) {
        harmless(path, fd);
        continue;
      }
      refused(path, setns(fd, 0));
      OTHER_ENTRIES(setns, 346, fd, 0, 0, 0);
      close(fd);
    }
  }
  const long all = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUSER | CLONE_NEWIPC |
                   CLONE_NEWUTS | CLONE_NEWCGROUP;
  const long pids[] = {1, getpid(), bait_number("PID")};
  for (size_t i = 0; i < sizeof pids / sizeof pids[0]; ++i) {
    const long fd = syscall(SYS_pidfd_open, pids[i], 0);
    if (fd >= 0) {
      REFUSED(syscall(SYS_setns, fd, all));
      REFUSED(syscall(SYS_setns, fd, CLONE_NEWNET));
    }
  }
  return verdict();
}
