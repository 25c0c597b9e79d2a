// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

// Mounts a read-only /sys that holds what programs read and nothing else: processors, memory nodes,
// the sandbox's network interfaces, its own cgroup. `staging_fd` is a folder for mounts to be made
// in. Where the kernel refuses a sysfs, /sys is empty.
enum class CgroupVersion { kOne, kTwo };
Result<> mount_sys(int root_fd, int staging_fd, CgroupVersion cgroup);

}  // namespace msb::isolation::jail
