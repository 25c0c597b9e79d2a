// SPDX-License-Identifier: Apache-2.0
#include "bench/render/grid.h"

#include "bench/number.h"

namespace msb::bench {
namespace {

using Row = std::vector<std::string>;

Row not_run(std::string name, const std::string& reason, std::size_t cells) {
  Row row(cells);
  row[0] = std::move(name);
  row[1] = "not run: " + reason;
  return row;
}

// What so large a share of the samples is no worse than.
double no_worse(const Samples& samples, double share, Better better) {
  return samples.percentile(better == Better::kLess ? share : 1 - share);
}

Grid grid_of(const Comparison& comparison) {
  const std::string unit = " " + comparison.unit;
  const char* more = comparison.better == Better::kMore ? "More is better." : "";
  Grid grid{comparison.title, more + comparison.note, {}};
  grid.rows.push_back({"", "p50" + unit, "p90" + unit, "p99" + unit, "ratio", "samples"});
  const std::size_t cells = grid.rows.front().size();
  const Series* base = nullptr;
  for (const Series& series : comparison.series) {
    if (series.samples.empty()) {
      grid.rows.push_back(not_run(series.name, series.not_run, cells));
      continue;
    }
    base = base == nullptr ? &series : base;
    const Samples& samples = series.samples;
    grid.rows.push_back(
        {series.name, number(samples.median()), number(no_worse(samples, 0.9, comparison.better)),
         number(no_worse(samples, 0.99, comparison.better)),
         number(samples.median() / base->samples.median()), std::to_string(samples.size())});
  }
  return grid;
}

Grid grid_of(const FigureTable& table) {
  Grid grid{table.title, table.note, {}};
  Row heads = {table.unit};
  heads.insert(heads.end(), table.columns.begin(), table.columns.end());
  grid.rows.push_back(heads);
  for (const FigureRow& row : table.rows) {
    if (row.figures.empty()) {
      grid.rows.push_back(not_run(row.name, row.not_run, heads.size()));
      continue;
    }
    Row cells = {row.name};
    for (const auto& figure : row.figures) {
      cells.push_back(figure ? number(*figure) : "–");
    }
    grid.rows.push_back(std::move(cells));
  }
  return grid;
}

Grid grid_of(const std::vector<Verdict>& verdicts) {
  Grid grid{"Budgets", "", {{"", "budget", "figure", ""}}};
  for (const Verdict& verdict : verdicts) {
    const char* outcome = verdict.outcome == Verdict::Outcome::kMet      ? "met"
                          : verdict.outcome == Verdict::Outcome::kNotMet ? "not met"
                                                                         : "not measured";
    grid.rows.push_back({verdict.what, verdict.budget, verdict.figure, outcome});
  }
  return grid;
}

// As a terminal shows it: every code point is one column wide here.
std::size_t width_of(std::string_view text) {
  constexpr unsigned char kMask = 0xC0;
  constexpr unsigned char kContinuation = 0x80;
  std::size_t width = 0;
  for (const char byte : text) {
    width += (static_cast<unsigned char>(byte) & kMask) == kContinuation ? 0 : 1;
  }
  return width;
}

bool is_reason(const Row& row) {
  return row[1].starts_with("not run: ");
}

std::vector<std::size_t> widths_of(const Grid& grid) {
  std::vector<std::size_t> widths(grid.rows.front().size());
  for (const Row& row : grid.rows) {
    const std::size_t cells = is_reason(row) ? 1 : widths.size();  // a reason may be long
    for (std::size_t i = 0; i < cells; ++i) {
      widths[i] = std::max(widths[i], width_of(row[i]));
    }
  }
  return widths;
}

void append_plain(std::string& text, const Grid& grid) {
  const std::vector<std::size_t> widths = widths_of(grid);
  text += "\n" + grid.title + "\n";
  for (const Row& row : grid.rows) {
    std::string line = "  ";
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      line.append(2 + widths[i] - std::min(widths[i], width_of(row[i])), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  text += grid.note.empty() ? "" : "  " + grid.note + "\n";
}

void append_markdown(std::string& text, const Grid& grid) {
  text += "\n### " + grid.title + "\n\n";
  bool is_head = true;
  for (const Row& row : grid.rows) {
    for (const std::string& cell : row) {
      text += "| " + cell + " ";
    }
    text += "|\n";
    if (std::exchange(is_head, false)) {
      text += "|---|";
      for (std::size_t i = 1; i < row.size(); ++i) {
        text += "---|";
      }
      text += "\n";
    }
  }
  text += grid.note.empty() ? "" : "\n" + grid.note + "\n";
}

std::string with(const Report& report, void (*append)(std::string&, const Grid&)) {
  std::string text;
  for (const Fact& fact : report.machine) {
    text += "* " + fact.name + ": " + fact.value + "\n";
  }
  for (const Grid& grid : grids_of(report)) {
    append(text, grid);
  }
  return text;
}

}  // namespace

std::vector<Grid> grids_of(const Report& report) {
  std::vector<Grid> grids;
  if (!report.verdicts.empty()) {
    grids.push_back(grid_of(report.verdicts));
  }
  for (const Comparison& comparison : report.comparisons) {
    grids.push_back(grid_of(comparison));
  }
  for (const FigureTable& table : report.tables) {
    grids.push_back(grid_of(table));
  }
  return grids;
}

std::string plain_text(const Report& report) {
  return with(report, append_plain);
}

std::string markdown(const Report& report) {
  return with(report, append_markdown);
}

}  // namespace msb::bench
