// SPDX-License-Identifier: Apache-2.0
//
// An image that is another one with one more layer on top.
#pragma once

#include <cstdint>

#include "base/try.h"
#include "image/catalog.h"
#include "image/digest.h"

namespace msb::image {

// The documents of `base` with that layer, a tar of `size_bytes`. kResourceExhausted: it has as
// many layers as a sandbox can have already.
Result<ImageDocuments> with_layer(const ImageDocuments& base, const Digest& diff_id,
                                  std::uint64_t size_bytes);

}  // namespace msb::image
