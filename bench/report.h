// SPDX-License-Identifier: Apache-2.0
//
// What a run of the benchmark found out: data only. It is filled by parts/, judged by budgets.cc
// and written down by render/.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/samples.h"

namespace msb::bench {

// What samples and figures are counted in: "ms", "MiB", "MiB/s", "per s".
using Unit = std::string;

enum class Whose { kOurs, kTheirs };
enum class Better { kLess, kMore };

// All samples of one contender at one piece of work.
struct Series {
  std::string id;  // "start.ours": stable, budgets and the JSON know it by this
  std::string name;
  Whose whose = Whose::kTheirs;
  Samples samples;
  std::string not_run;  // why there are no samples
};

// Contenders at the same work. Ratios are to the first one.
struct Comparison {
  std::string id;
  std::string title;
  Unit unit;
  std::string note;
  std::vector<Series> series;
  Better better = Better::kLess;
};

// Figures that are no samples: memory by part, cost by number of sandboxes.
struct FigureRow {
  std::string id;
  std::string name;
  std::vector<std::optional<double>> figures;  // as many as there are columns
  std::string not_run;                         // why there are none
};
struct FigureTable {
  std::string id;
  std::string title;
  Unit unit;
  std::string note;
  std::vector<std::string> columns;
  std::vector<FigureRow> rows;
};

// A budget beside what was measured.
struct Verdict {
  enum class Outcome { kMet, kNotMet, kNotMeasured };
  std::string what;
  std::string budget;  // "at most 10 ms"
  std::string figure;  // "2.9 ms"; why it was not measured
  Outcome outcome = Outcome::kNotMeasured;
};

struct Fact {
  std::string name;
  std::string value;
};

struct Report {
  std::vector<Fact> machine;
  std::vector<Comparison> comparisons;
  std::vector<FigureTable> tables;
  std::vector<Verdict> verdicts;

  // Nothing where it was not measured.
  const Series* find_series(std::string_view id) const;
  std::optional<double> find_figure(std::string_view row_id, std::string_view column) const;
};

}  // namespace msb::bench
