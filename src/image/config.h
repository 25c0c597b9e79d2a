// SPDX-License-Identifier: Apache-2.0
//
// The image configuration: how its program is started, and what its layers unpack to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "image/digest.h"
#include "image/store.h"

namespace msb::image {

struct ParsedConfig {
  ImageConfig run;
  std::vector<Digest> diff_ids;  // of the uncompressed layers, lowest first
  std::string created;
};

// kCorrupt; kUnsupported when the image is for another system than this one.
Result<ParsedConfig> parse_config(std::string_view text);

// The configuration of a root file system that came without one.
std::string config_of_rootfs(const Digest& diff_id);

}  // namespace msb::image
