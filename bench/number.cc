// SPDX-License-Identifier: Apache-2.0
#include "bench/number.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace msb::bench {

std::string number(double value) {
  constexpr int kDigits = 3;
  const double size = std::abs(value);
  int decimals = kDigits;
  if (size > 0) {
    const int before_point = static_cast<int>(std::floor(std::log10(size))) + 1;
    decimals = std::clamp(kDigits - before_point, 0, kDigits);
  }
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  std::string all = text.data();
  if (all.contains('.')) {  // "1.50" and "8.00" say no more than "1.5" and "8"
    all.erase(all.find_last_not_of('0') + 1);
  }
  if (all.ends_with('.')) {
    all.pop_back();
  }
  return all;
}

}  // namespace msb::bench
