// SPDX-License-Identifier: Apache-2.0
//
// Where and when it was measured, and what else the machine did meanwhile.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/report.h"

namespace msb::bench {

// Watches from its creation on.
class Machine {
 public:
  Machine();
  // Date, processor, kernel, versions of the peers, load when it began, time stolen since.
  std::vector<Fact> facts() const;

 private:
  struct Ticks {
    std::uint64_t all = 0;
    std::uint64_t stolen = 0;
  };
  static Ticks ticks();

  Ticks begin_;
  std::string load_;
};

}  // namespace msb::bench
