// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace msb::base {

// The nearest-rank percentile of ascending values, of which there is at least one: always one of
// them, so that few samples make up nothing. `share` is 0 .. 1; of 50 values, 0.99 is the largest.
inline double percentile(std::span<const double> ascending, double share) {
  const auto rank = static_cast<std::size_t>(
      std::ceil(share * static_cast<double>(ascending.size()) - 1e-9));  // 0.07 * 100 is > 7
  return ascending[std::clamp<std::size_t>(rank, 1, ascending.size()) - 1];
}

}  // namespace msb::base
