// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/try.h"

namespace msb::isolation::jail {

// Writes /etc/hostname, /etc/hosts and /etc/resolv.conf of the sandbox into its writable layer, as
// ordinary files that the guest may edit or replace; each start sets them anew. Also makes /tmp and
// /run if the image lacks them.
Result<> write_etc_files(int root_fd, const std::string& hostname);

}  // namespace msb::isolation::jail
