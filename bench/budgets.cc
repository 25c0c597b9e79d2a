// SPDX-License-Identifier: Apache-2.0
#include "bench/budgets.h"

#include <array>
#include <cstdio>

#include "bench/number.h"

namespace msb::bench {
namespace {

// `figure` (a percentile of a series) is held against `limit`: as it is, or as a multiple of
// another figure.
struct Budget {
  std::string_view what;
  std::string_view series;
  double share;
  enum class Bound { kAtMost, kAtLeast } bound;
  double limit;
  std::string_view unit;  // of limits that are no multiples
  std::string_view of_series = {};
  double of_share = 0.5;
  std::string_view of_name = {};
};

using enum Budget::Bound;
constexpr std::string_view kPython = "python3 on the bare host";

constexpr std::array kBudgets = {
    Budget{"start → first Python result, nothing pooled", "start.ours", 0.5, kAtMost, 1.5, "",
           "whole.python3", 0.5, kPython},
    Budget{"start → first Python result, from the pool", "start.ours_pool", 0.5, kAtMost, 0.15, "",
           "whole.python3", 0.5, kPython},
    Budget{"code().run(\"1\"), embedded", "code.ours", 0.5, kAtMost, 0.2, "ms"},
    Budget{"code().run(\"1\"), over HTTP", "code.ours_http", 0.5, kAtMost, 0.5, "ms"},
    Budget{"command().run(\"true\")", "exec.ours", 0.5, kAtMost, 2, "", "exec.fork_exec", 0.5,
           "fork and exec"},
    Budget{"start → run → gone on all cores", "rate.ours", 0.5, kAtLeast, 2, "", "rate.bwrap", 0.5,
           "bubblewrap"},
    Budget{"stop", "stop.ours", 0.5, kAtMost, 10, "ms"},
    Budget{"metrics", "metrics.ours", 0.5, kAtMost, 1, "ms"},
    Budget{"output of a command", "bulk.ours", 0.5, kAtLeast, 1024, "MiB/s"},
    Budget{"p99 of start, idle machine", "alone.ours.start", 0.99, kAtMost, 5, "",
           "alone.ours.start", 0.5, "p50"},
    Budget{"p99 of code().run, idle machine", "alone.ours.code", 0.99, kAtMost, 5, "",
           "alone.ours.code", 0.5, "p50"},
    Budget{"p99 of code().run while another one pours", "neighbour.ours.beside", 0.99, kAtMost, 5,
           "", "neighbour.ours.quiet", 0.99, "p99 when quiet"},
    Budget{"microvm: start → first Python result from a template", "tier_ready.microvm", 0.5,
           kAtMost, 0.05, "", "tier_cold.microvm", 0.5, "cold boot"},
    Budget{"microvm: start → first Python result from a pool", "tier_ready.microvm_pool", 0.5,
           kAtMost, 0.01, "", "tier_cold.microvm", 0.5, "cold boot"},
};

Verdict held_against(std::string_view what, double figure, const std::string& unit,
                     Budget::Bound bound, double limit, const std::string& budget_unit) {
  const bool met = bound == kAtMost ? figure <= limit : figure >= limit;
  return {std::string(what), (bound == kAtMost ? "≤ " : "≥ ") + number(limit) + budget_unit,
          number(figure) + unit, met ? Verdict::Outcome::kMet : Verdict::Outcome::kNotMet};
}

Verdict not_measured(std::string_view what, std::string budget, std::string why) {
  return {std::string(what), std::move(budget), std::move(why), Verdict::Outcome::kNotMeasured};
}

// Why a series is not there.
std::string reason(const Report& report, std::string_view id) {
  for (const Comparison& comparison : report.comparisons) {
    for (const Series& series : comparison.series) {
      if (series.id == id && !series.not_run.empty()) {
        return "not run: " + series.not_run;
      }
    }
  }
  return "not run";
}

Verdict judge_one(const Report& report, const Budget& budget) {
  const bool is_multiple = !budget.of_series.empty();
  const std::string unit =
      is_multiple ? " × " + std::string(budget.of_name) : " " + std::string(budget.unit);
  const Series* series = report.find_series(budget.series);
  const Series* base = is_multiple ? report.find_series(budget.of_series) : series;
  if (series == nullptr || base == nullptr) {
    return not_measured(budget.what,
                        (budget.bound == kAtMost ? "≤ " : "≥ ") + number(budget.limit) + unit,
                        reason(report, series == nullptr ? budget.series : budget.of_series));
  }
  const double figure = series->samples.percentile(budget.share);
  if (!is_multiple) {
    return held_against(budget.what, figure, unit, budget.bound, budget.limit, unit);
  }
  const double of = base->samples.percentile(budget.of_share);
  const std::string absolute = " × (" + number(figure) + " to " + number(of) + ")";
  return held_against(budget.what, figure / of, absolute, budget.bound, budget.limit, unit);
}

Verdict judge_memory(const Report& report) {
  constexpr std::string_view kWhat = "idle Python sandbox, private memory";
  constexpr double kLimitMib = 8;
  const auto figure = report.find_figure("memory.ours", "private");
  return figure ? held_against(kWhat, *figure, " MiB", kAtMost, kLimitMib, " MiB")
                : not_measured(kWhat, "≤ 8 MiB", "not run");
}

// They have answered, or the benchmark would have failed.
Verdict judge_thousand(const Report& report) {
  constexpr std::string_view kWhat = "1,000 sandboxes at once, all answering";
  const auto each = report.find_figure("growth.each", "1000");
  if (!each) {
    return not_measured(kWhat, "all", "not run");
  }
  return {std::string(kWhat), "all", "all, " + number(*each) + " ms for a run in each",
          Verdict::Outcome::kMet};
}

// Linear, or better: a hundred times as many cost at most a hundred times as much.
Verdict judge_flat(const Report& report, std::string_view row, std::string_view what) {
  constexpr double kFlat = 1.5;  // the noise of twenty samples, and no more
  const auto one = report.find_figure(row, "1");
  std::optional<double> most;
  std::string level;
  for (const char* column : {"10", "100", "1000"}) {
    if (const auto figure = report.find_figure(row, column)) {
      most = figure;
      level = column;
    }
  }
  if (!one || !most) {
    return not_measured(what, "≤ 1.5 × that beside one", "not run");
  }
  return held_against(std::string(what) + " beside " + level, *most / *one,
                      " × (" + number(*most) + " to " + number(*one) + ")", kAtMost, kFlat,
                      " × that beside one");
}

}  // namespace

std::vector<Verdict> judge(const Report& report) {
  std::vector<Verdict> verdicts;
  verdicts.reserve(kBudgets.size() + 4);
  for (const Budget& budget : kBudgets) {
    verdicts.push_back(judge_one(report, budget));
  }
  verdicts.push_back(judge_memory(report));
  verdicts.push_back(judge_thousand(report));
  verdicts.push_back(judge_flat(report, "growth.start", "start"));
  verdicts.push_back(judge_flat(report, "growth.run", "code().run(\"1\")"));
  return verdicts;
}

}  // namespace msb::bench
