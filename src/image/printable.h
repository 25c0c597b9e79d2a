// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace msb::image {

// Foreign bytes (an entry's name, a registry's answer) as one line that is safe in a terminal or a
// log: control characters and bytes beyond ASCII as \xNN, cut after `max_bytes` of input.
std::string printable(std::string_view bytes, std::size_t max_bytes = 200);

}  // namespace msb::image
