// SPDX-License-Identifier: Apache-2.0
//
// Manifests and configs on disk, named by their digests.
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"
#include "image/digest.h"
#include "image/home.h"

namespace msb::image {

// kNotFound; kCorrupt when it is not what its name says.
Result<std::string> read_blob(const Home& home, const Digest& digest, std::size_t max_bytes);
// `content` has that digest.
Result<> write_blob(const Home& home, const Digest& digest, std::string_view content);

}  // namespace msb::image
