// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace msb::bench {

// Three digits that mean something, and no exponent: "0.214", "22.3", "881", "12034".
std::string number(double value);

}  // namespace msb::bench
