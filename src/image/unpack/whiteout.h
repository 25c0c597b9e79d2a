// SPDX-License-Identifier: Apache-2.0
//
// What hides something of the layers below: in an archive, by a name that aufs, and docker after
// it, have chosen; in a tree, as overlayfs wants it.
#pragma once

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <string_view>

namespace msb::image::unpack {

inline constexpr std::string_view kWhiteoutPrefix = ".wh.";
inline constexpr std::string_view kOpaqueMarker = ".wh..wh..opq";
inline constexpr const char* kOpaqueXattr = "user.overlay.opaque";

inline bool is_whiteout(const struct stat& status) {
  return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0);
}

}  // namespace msb::image::unpack
