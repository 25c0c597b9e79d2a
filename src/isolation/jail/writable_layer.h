// SPDX-License-Identifier: Apache-2.0
//
// The place for everything a sandbox writes: upper/ and work/ of its overlay.
#pragma once

#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

struct WritableLayer {
  base::UniqueFd mount;       // detached, holds upper/ and work/
  bool disk_limited = false;  // statfs of it tells the limit and the use
};

// Mounts a device that holds a disk image (see disk_image.h) with the attributes a sandbox needs.
// `id_map`: as for layers.
Result<WritableLayer> mount_disk(const std::string& device, int id_map);

// The same, of the image itself. `nodes_path`: see loop_device.h.
Result<WritableLayer> mount_disk_image(int image, const std::string& nodes_path, int id_map);

// Where loop devices cannot be had: the folder itself, without a limit. Must run in the mount
// namespace in which `folder` was opened.
Result<WritableLayer> clone_writable_folder(int folder, int id_map);

// Makes upper/ and work/ in it, owned by the calling thread's file system ids.
Result<> prepare_overlay_folders(int mount);

}  // namespace msb::isolation::jail
