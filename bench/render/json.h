// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "bench/report.h"

namespace msb::bench {

// Everything, every sample included.
std::string json(const Report& report);

}  // namespace msb::bench
