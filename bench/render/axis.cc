// SPDX-License-Identifier: Apache-2.0
#include "bench/render/axis.h"

#include <array>
#include <cmath>

namespace msb::bench {

LogAxis::LogAxis(double smallest, double largest, double length)
    : begin_(std::log10(smallest)), end_(std::log10(largest)), length_(length) {
  constexpr double kSpare = 0.03;
  constexpr double kLeast = 0.3;  // a factor of two: one value has an axis, too
  const double spare = std::max(kSpare * (end_ - begin_), (kLeast - (end_ - begin_)) / 2);
  begin_ -= spare;
  end_ += spare;
}

double LogAxis::at(double value) const {
  return (std::log10(value) - begin_) / (end_ - begin_) * length_;
}

std::vector<double> LogAxis::ticks() const {
  constexpr std::array kSteps = {1.0, 2.0, 5.0};
  constexpr double kCrowded = 2.6;  // decades
  const std::size_t steps = end_ - begin_ > kCrowded ? 1 : kSteps.size();
  std::vector<double> ticks;
  for (int power = static_cast<int>(std::floor(begin_)); power <= end_; ++power) {
    for (std::size_t i = 0; i < steps; ++i) {
      const double value = kSteps[i] * std::pow(10.0, power);
      if (std::log10(value) >= begin_ && std::log10(value) <= end_) {
        ticks.push_back(value);
      }
    }
  }
  return ticks;
}

}  // namespace msb::bench
