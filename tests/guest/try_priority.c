// SPDX-License-Identifier: Apache-2.0
//
// A larger share of the host than is ours: real-time classes, better nice values, higher limits, a
// kinder OOM killer.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "attempt.h"

struct Deadline {
  unsigned size, policy;
  unsigned long long flags;
  int nice;
  unsigned priority;
  unsigned long long runtime, deadline, period;
};

int main(void) {
  const struct sched_param first = {.sched_priority = 1};
  REFUSED(sched_setscheduler(0, SCHED_FIFO, &first));
  REFUSED(sched_setscheduler(0, SCHED_RR, &first));
  REFUSED(sched_setscheduler(1, SCHED_FIFO, &first));
  struct Deadline attributes = {.size = sizeof attributes,
                                .policy = 6,
                                .runtime = 10000000,
                                .deadline = 30000000,
                                .period = 30000000};
  REFUSED(syscall(SYS_sched_setattr, 0, &attributes, 0));
  REFUSED(setpriority(PRIO_PROCESS, 0, -1));
  REFUSED(setpriority(PRIO_PROCESS, 0, -20));
  REFUSED(nice(-5) == -1 ? -1 : 0);
  REFUSED(syscall(SYS_ioprio_set, 1, 0, 1 << 13 /* real-time */));
  static const int kLimits[] = {RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE,
                                RLIMIT_RTPRIO};
  for (size_t i = 0; i < sizeof kLimits / sizeof kLimits[0]; ++i) {
    struct rlimit limit;
    getrlimit((__rlimit_resource_t)kLimits[i], &limit);
    if (limit.rlim_max != RLIM_INFINITY) {
      limit.rlim_max += 1;
      REFUSED(setrlimit((__rlimit_resource_t)kLimits[i], &limit));
      REFUSED(prlimit(0, (__rlimit_resource_t)kLimits[i], &limit, NULL));
    }
  }
  REFUSED(mlockall(MCL_CURRENT | MCL_FUTURE | 0x100));
  const size_t locked = 64u << 20;
  void* const memory =
      mmap(NULL, locked, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REFUSED(mlock(memory, locked));
  // Never less than the host's own programs. (Where the host's root may set the least value, that
  // is what the sandbox was started with.)
  char least[32];
  snprintf(least, sizeof least, "%ld", bait_number("OOM_SCORE") - 1);
  const char* const scores[] = {"-1000", "-17", least};
  for (size_t i = 0; i < sizeof scores / sizeof scores[0]; ++i) {
    const int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    refused(scores[i], write(fd, scores[i], strlen(scores[i])));
    close(fd);
  }
  REFUSED(syscall(SYS_mbind, memory, locked, 0, 0, 0, 4 /* MOVE_ALL */));
  return verdict();
}
