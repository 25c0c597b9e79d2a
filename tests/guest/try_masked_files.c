// SPDX-License-Identifier: Apache-2.0
//
// What /proc tells of the host's kernel and hardware, by every path that leads there.
#include <dirent.h>
#include <stdio.h>

#include "attempt.h"

int main(void) {
  static const char* const kFiles[] = {"bootconfig",
                                       "buddyinfo",
                                       "cmdline",
                                       "config.gz",
                                       "consoles",
                                       "diskstats",
                                       "interrupts",
                                       "iomem",
                                       "ioports",
                                       "kallsyms",
                                       "kcore",
                                       "key-users",
                                       "keys",
                                       "kmsg",
                                       "kpagecgroup",
                                       "kpagecount",
                                       "kpageflags",
                                       "latency_stats",
                                       "locks",
                                       "mdstat",
                                       "misc",
                                       "modules",
                                       "mtrr",
                                       "pagetypeinfo",
                                       "partitions",
                                       "sched_debug",
                                       "schedstat",
                                       "slabinfo",
                                       "softirqs",
                                       "swaps",
                                       "sysrq-trigger",
                                       "timer_list",
                                       "timer_stats",
                                       "vmallocinfo",
                                       "zoneinfo",
                                       "driver/rtc",
                                       "bus/pci/devices",
                                       "bus/input/devices",
                                       "fs/ext4/vda/options",
                                       "fs/jbd2/vda-8/info",
                                       "pressure/cpu",
                                       "pressure/io",
                                       "pressure/memory",
                                       "irq/0/smp_affinity",
                                       "scsi/scsi"};
  static const char* const kWays[] = {"/proc/%s", "/proc/self/../%s", "/proc/self/root/proc/%s",
                                      "/proc/thread-self/../../../%s", "/../proc/./%s"};
  for (size_t i = 0; i < sizeof kFiles / sizeof kFiles[0]; ++i) {
    for (size_t j = 0; j < sizeof kWays / sizeof kWays[0]; ++j) {
      char path[96];
      snprintf(path, sizeof path, kWays[j], kFiles[i]);
      refused_to_read(path);
    }
  }
  static const char* const kFolders[] = {"acpi", "asound", "bus",      "driver",
                                         "fs",   "irq",    "pressure", "scsi"};
  for (size_t i = 0; i < sizeof kFolders / sizeof kFolders[0]; ++i) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%s", kFolders[i]);
    DIR* folder = opendir(path);
    if (folder == NULL) {
      harmless(path, -1);
      continue;
    }
    int entries = 0;
    while (readdir(folder) != NULL) {
      ++entries;
    }
    closedir(folder);
    holds(entries <= 2, path, "is not empty");
  }
  return verdict();
}
