// SPDX-License-Identifier: Apache-2.0
//
// Counters and samples of the host's processors.
#include <linux/perf_event.h>
#include <string.h>

#include "attempt.h"

int main(void) {
  static struct perf_event_attr event;
  static const unsigned kTypes[] = {PERF_TYPE_HARDWARE, PERF_TYPE_SOFTWARE, PERF_TYPE_TRACEPOINT,
                                    PERF_TYPE_HW_CACHE, PERF_TYPE_RAW,      PERF_TYPE_BREAKPOINT};
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    memset(&event, 0, sizeof event);
    event.type = kTypes[i];
    event.size = sizeof event;
    event.exclude_kernel = 1;
    REFUSED(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
    REFUSED(syscall(SYS_perf_event_open, &event, -1, 0, -1, 0));
  }
  OTHER_ENTRIES(perf_event_open, 336, (long)&event, 0, -1, -1);
  refused_to_write("/proc/sys/kernel/perf_event_paranoid");
  return verdict();
}
