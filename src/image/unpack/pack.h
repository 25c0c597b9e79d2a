// SPDX-License-Identifier: Apache-2.0
//
// A tree in the form overlayfs writes it, into a tar as a layer is shipped: the reverse of
// TreeWriter. Meant to run confined (confinement.h): what it reads was made by a guest.
//
//   character device 0:0            an empty file ".wh.NAME"
//   user.overlay.opaque on a folder an empty file ".wh..wh..opq" in it
//
// Device nodes and sockets are left out, as they are when a layer is unpacked.
#pragma once

#include "base/try.h"
#include "image/unpack/extract.h"

namespace msb::image::unpack {

// All beneath `root_fd`, itself included, with owners as they are seen here. kResourceExhausted:
// more than the limits; kUnsupported: what no layer can tell (a file whose name says ".wh.",
// folders nested too deep).
Result<ExtractReport> pack_tar(int root_fd, int output_fd, const ExtractLimits& limits);

}  // namespace msb::image::unpack
