// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "base/percentile.h"

namespace msb::bench {

// Measured values in ascending order.
class Samples {
 public:
  Samples() = default;
  explicit Samples(std::vector<double> values) : values_(std::move(values)) {
    std::ranges::sort(values_);
  }
  bool empty() const { return values_.empty(); }
  std::size_t size() const { return values_.size(); }
  const std::vector<double>& values() const { return values_; }

  // Of at least one sample.
  double percentile(double share) const { return base::percentile(values_, share); }
  double median() const { return percentile(0.5); }
  double min() const { return values_.front(); }
  double max() const { return values_.back(); }

 private:
  std::vector<double> values_;
};

}  // namespace msb::bench
