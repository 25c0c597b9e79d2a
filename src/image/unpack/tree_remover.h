// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/try.h"

namespace msb::image::unpack {

// Removes the folder `name` in `parent_fd` with all in it, never following a link, in memory and
// descriptors that do not grow with its depth.
Result<> remove_folder_at(int parent_fd, const std::string& name);

// The same for everything in `folder_fd`, which stays.
Result<> empty_folder(int folder_fd);

}  // namespace msb::image::unpack
