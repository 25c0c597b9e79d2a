// SPDX-License-Identifier: Apache-2.0
//
// How long a sandbox takes to answer, sampled for a while.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "msb/sandbox.h"

namespace msb::security {

// Durations of one kind of call.
class Samples {
 public:
  void add(std::chrono::nanoseconds duration) {
    values_.push_back(std::chrono::duration<double, std::milli>(duration).count());
  }
  std::size_t size() const { return values_.size(); }
  // In milliseconds, nearest rank; of no sample: 0.
  double percentile(double fraction) const;

 private:
  std::vector<double> values_;  // in milliseconds
};

struct Latency {
  Samples code;         // code().run("1")
  Samples command;      // command().run("true")
  std::string failure;  // the first answer that was not right; empty: all were
};

// Asks both in turn, for as long as `goes_on` says.
Latency measure(PythonSandbox& sandbox, const std::function<bool()>& goes_on);

}  // namespace msb::security
