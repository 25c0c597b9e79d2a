// SPDX-License-Identifier: Apache-2.0
//
// The file behind a sandbox's writable layer: a sparse ext4 image of the size of its disk limit.
#pragma once

#include <cstdint>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

inline constexpr const char* kDiskImageName = "disk.img";

// Opens `disk.img` in `writable_fd`, for a loop device. One that is not there is made, of
// `size_bytes`; one that is there keeps its size, and is repaired if the host went down while it
// was mounted. `templates_fd` is a folder where empty images are kept, by size.
//
// The descriptor is locked (flock), and so is the image as long as a loop device uses it: the
// device holds the same open file. A second user waits for the first to let go, which is the time
// an unmount takes, and gets kConflict when that does not end.
Result<base::UniqueFd> open_disk_image(int writable_fd, int templates_fd, std::uint64_t size_bytes);

// Makes disk.img in `writable_fd`, where there is none, of the bytes that `source` has now, and
// opens it as it is: whoever has it mounted goes on with it. Locked likewise.
Result<base::UniqueFd> copy_disk_image(int writable_fd, int source);

}  // namespace msb::isolation::jail
