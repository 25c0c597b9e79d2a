// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace msb::cli {

// The candidate that a person most likely meant by `typed`: the one with the fewest edits (a letter
// added, lost, changed, or two swapped), if they are few for its length.
std::optional<std::string> nearest(std::string_view typed, std::span<const std::string> candidates);

}  // namespace msb::cli
