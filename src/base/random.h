// SPDX-License-Identifier: Apache-2.0
//
// From the kernel's random numbers.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/try.h"

namespace msb::base {

Result<> fill_random(std::span<std::byte> bytes);
// Lowercase hexadecimal digits, 64 at the most.
Result<std::string> random_id(std::size_t digits = 16);
// Of version 4: random but for six bits.
Result<std::string> random_uuid();

}  // namespace msb::base
