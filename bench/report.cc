// SPDX-License-Identifier: Apache-2.0
#include "bench/report.h"

namespace msb::bench {

const Series* Report::find_series(std::string_view id) const {
  for (const Comparison& comparison : comparisons) {
    for (const Series& series : comparison.series) {
      if (series.id == id && !series.samples.empty()) {
        return &series;
      }
    }
  }
  return nullptr;
}

std::optional<double> Report::find_figure(std::string_view row_id, std::string_view column) const {
  for (const FigureTable& table : tables) {
    for (const FigureRow& row : table.rows) {
      for (std::size_t i = 0; row.id == row_id && i < row.figures.size(); ++i) {
        if (table.columns[i] == column) {
          return row.figures[i];
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace msb::bench
