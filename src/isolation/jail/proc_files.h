// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

// Mounts the /proc of the calling process's pid namespace, its dangerous files covered and its
// settings read-only. /dev must be there: /dev/null is what covers files.
Result<> mount_proc(int root_fd);

}  // namespace msb::isolation::jail
