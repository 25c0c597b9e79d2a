// SPDX-License-Identifier: Apache-2.0
//
// Images that callers have made of their sandboxes. All images of a server are for all callers, but
// these hold what somebody has written: each namespace has its own, under names that say whose they
// are, and no other can start them, or take their names.
//
//   localhost/snapshots/<namespace>/<name>:<tag>
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"
#include "image/store.h"

namespace msb::server {

// What the caller's `name` ("work", "work:2", or the whole of it) is in full. kInvalidArgument: not
// a name, or somewhere else than in that namespace.
Result<std::string> snapshot_reference(std::string_view namespace_name, const std::string& name);

// kPermissionDenied: `image` is another namespace's. What is no reference is let through, for
// others to complain of.
Result<> check_image_access(image::Store& images, std::string_view namespace_name,
                            const std::string& image);

}  // namespace msb::server
