// SPDX-License-Identifier: Apache-2.0
//
// An image's layers as one read-only EROFS file, which is a machine's first disk. Made once for
// each image, by mkfs.erofs under the sandbox's own identity, and published by rename.
#pragma once

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/jail/building.h"

namespace msb::isolation::microvm {

inline constexpr const char* kImageMakerPath = "/usr/bin/mkfs.erofs";

// Where they are, beneath home: <image digest>.erofs.
inline constexpr const char* kImagesFolder = "machines/images";

// To be read. Makes it if it is not there, and waits for who is making it. In the mount namespace
// of the plan's home.
Result<base::UniqueFd> open_flat_image(const jail::Plan& plan, const std::string& image_digest);

}  // namespace msb::isolation::microvm
