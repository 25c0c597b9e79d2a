// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

// The sandbox's root: `layers` (lowest first) under `writable`/upper. They are attached in
// `staging_fd`, the current working directory, where short names fit any number of layers.
// The calling thread's file system ids must exist in the writable mount.
Result<base::UniqueFd> mount_overlay(int staging_fd, const std::vector<base::UniqueFd>& layers,
                                     const base::UniqueFd& writable);

}  // namespace msb::isolation::jail
