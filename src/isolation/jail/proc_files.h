// SPDX-License-Identifier: Apache-2.0
//
// Most of what is covered here is already refused to a guest by its user namespace. The covers hold
// when a kernel forgets to check.
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

// What tells of the host's secrets, of its kernel's memory layout (slabs, zones), and of what
// others do on it (interrupts, disks, locks: one per running sandbox).
inline constexpr const char* kCoveredFiles[] = {
    "bootconfig", "buddyinfo",   "cmdline",       "config.gz",     "consoles",   "diskstats",
    "interrupts", "iomem",       "ioports",       "kallsyms",      "kcore",      "key-users",
    "keys",       "kmsg",        "kpagecgroup",   "kpagecount",    "kpageflags", "locks",
    "mdstat",     "misc",        "modules",       "latency_stats", "mtrr",       "pagetypeinfo",
    "partitions", "sched_debug", "schedstat",     "slabinfo",      "softirqs",   "swaps",
    "timer_list", "timer_stats", "sysrq-trigger", "vmallocinfo",   "zoneinfo",
};
// pressure: everybody may write there, and each write is work for the host's kernel, uncounted.
inline constexpr const char* kCoveredFolders[] = {"acpi", "asound", "bus",      "driver",
                                                  "fs",   "irq",    "pressure", "scsi"};
inline constexpr const char* kReadOnlyFolders[] = {"sys", "sysvipc"};

// Mounts the /proc of the calling process's pid namespace, its dangerous files covered and its
// settings read-only. /dev must be there: /dev/null is what covers files.
Result<> mount_proc(int root_fd);

}  // namespace msb::isolation::jail
