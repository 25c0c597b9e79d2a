// SPDX-License-Identifier: Apache-2.0
//
// Samples of what is compared, taken in turns: one round measures every contender once, so a slow
// minute of the machine slows all of them.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "msb/result.h"

namespace msb::bench {

struct Contender {
  std::string name;
  // Does the work once and returns how long the measured part took.
  std::function<Result<std::chrono::nanoseconds>()> measure;
};

struct Samples {
  std::string name;
  std::vector<double> ms;  // sorted
  double percentile(double share) const;
};

// One untimed round to warm up, then `rounds` of all contenders alternately.
Result<std::vector<Samples>> compare(const std::vector<Contender>& contenders, int rounds);

// p50, p90, p99 and the ratio of medians to the first row.
void print_table(const std::string& title, const std::vector<Samples>& rows);

// The time `work` takes.
template <typename Work>
Result<std::chrono::nanoseconds> timed(Work work) {
  const auto begin = std::chrono::steady_clock::now();
  if (auto done = work(); !done) {
    return std::unexpected(std::move(done).error());
  }
  return std::chrono::steady_clock::now() - begin;
}

}  // namespace msb::bench
