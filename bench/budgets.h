// SPDX-License-Identifier: Apache-2.0
//
// The goals, beside what was measured. A goal is a number to print, not a test.
#pragma once

#include <vector>

#include "bench/report.h"

namespace msb::bench {

std::vector<Verdict> judge(const Report& report);

}  // namespace msb::bench
