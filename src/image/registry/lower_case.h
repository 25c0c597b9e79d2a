// SPDX-License-Identifier: Apache-2.0
//
// ASCII only, as the names of headers and parameters are, whatever the locale.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace msb::image {

inline std::string lower_case(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return result;
}

}  // namespace msb::image
