// SPDX-License-Identifier: Apache-2.0
//
// The distributions as a picture: one line for each contender on a logarithmic axis, every sample
// a dot, the middle half a bar, the median a number.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/report.h"

namespace msb::bench {

// The comparisons with these ids, one below the other; those without a sample are left out.
std::string plot_svg(const Report& report, const std::vector<std::string_view>& ids);

}  // namespace msb::bench
