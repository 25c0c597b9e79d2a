// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

namespace msb::bench {

// A logarithmic axis from 0 to `length` that holds all values of a range.
class LogAxis {
 public:
  // Both positive; the range is widened a little, so that nothing lies on the edge.
  LogAxis(double smallest, double largest, double length);
  double at(double value) const;
  // 1, 2 and 5 times the powers of ten within, or the powers alone where those would be crowded.
  std::vector<double> ticks() const;

 private:
  double begin_;  // of the logarithm
  double end_;
  double length_;
};

}  // namespace msb::bench
