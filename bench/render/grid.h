// SPDX-License-Identifier: Apache-2.0
//
// The report as cells, the same for every kind of table that is made of them.
#pragma once

#include <string>
#include <vector>

#include "bench/report.h"

namespace msb::bench {

struct Grid {
  std::string title;
  std::string note;
  std::vector<std::vector<std::string>> rows;  // the first one is the heads
};

// Budgets first, then comparisons and figures. All rows of a grid have the same number of cells;
// of what was not run the second cell is the reason, and the rest is empty.
std::vector<Grid> grids_of(const Report& report);

// Columns for a terminal.
std::string plain_text(const Report& report);
// For docs/performance.md.
std::string markdown(const Report& report);

}  // namespace msb::bench
