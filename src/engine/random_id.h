// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>

#include "base/try.h"

namespace msb::engine {

// Lowercase hex digits from the kernel's random numbers.
Result<std::string> random_id(std::size_t digits = 16);

}  // namespace msb::engine
