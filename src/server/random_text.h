// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/try.h"

namespace msb::server {

// `size` letters and digits of the kernel's randomness, each equally likely.
Result<std::string> random_text(std::size_t size);

}  // namespace msb::server
