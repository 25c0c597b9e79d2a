// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "soak.h"

namespace msb::soak {

std::size_t open_descriptors();

// One row of the table in the making.
class Soak::Phase {
 public:
  using Clock = std::chrono::steady_clock;

  Phase(Soak& soak, std::string fault, std::vector<std::string> phrases);
  void audit(NextStart next_start = NextStart::kWasMade);
  // With a last audit, and a look at this program's own descriptors.
  void end();
  void skip(const std::string& reason);

  Tally tally;

 private:
  Soak& soak_;
  const Clock::time_point begin_;
  std::int64_t audits_ = 0;
  std::vector<std::string> leftovers_;
};

}  // namespace msb::soak
