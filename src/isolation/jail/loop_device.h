// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

struct LoopDevice {
  base::UniqueFd fd;  // holds the device until a mount does
  std::string path;   // of its node
};

// Attaches `image` to a free loop device, which frees itself with its last user. Device nodes are
// made in `nodes_path` (a folder of ours where devices work), so the host's /dev need not have
// them.
Result<LoopDevice> attach_loop_device(int image, const std::string& nodes_path);

}  // namespace msb::isolation::jail
