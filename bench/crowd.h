// SPDX-License-Identifier: Apache-2.0
//
// The same work on many threads at once.
#pragma once

#include <functional>
#include <vector>

#include "msb/result.h"

namespace msb::bench {

// Calls `work` with 0 .. count-1, each on a thread of its own; they set off together, when all
// threads are there. The milliseconds each took since then, in no order; the first error.
Result<std::vector<double>> all_at_once(int count, const std::function<Result<>(int)>& work);

}  // namespace msb::bench
