// SPDX-License-Identifier: Apache-2.0
#include "bench/budgets.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace msb::bench {
namespace {

Series series(std::string id, std::vector<double> values) {
  return {std::move(id), "", Whose::kOurs, Samples(std::move(values)), ""};
}

Report report_of(std::vector<Series> all) {
  Report report;
  report.comparisons.push_back({"", "", "ms", "", std::move(all)});
  return report;
}

Verdict verdict(const Report& report, std::string_view what) {
  const std::vector<Verdict> all = judge(report);
  const auto found = std::ranges::find(all, what, &Verdict::what);
  return found == all.end() ? Verdict{} : *found;
}

TEST(Budgets, AFigureIsHeldAgainstItsLimit) {
  const Verdict met = verdict(report_of({series("stop.ours", {2.9})}), "stop");
  EXPECT_EQ(met.budget, "≤ 10 ms");
  EXPECT_EQ(met.figure, "2.9 ms");
  EXPECT_EQ(met.outcome, Verdict::Outcome::kMet);
  EXPECT_EQ(verdict(report_of({series("stop.ours", {11})}), "stop").outcome,
            Verdict::Outcome::kNotMet);
}

TEST(Budgets, ALimitMayBeAMultipleOfAnotherFigure) {
  const Report report = report_of({series("start.ours", {30}), series("whole.python3", {15})});
  const Verdict start = verdict(report, "start → first Python result, nothing pooled");
  EXPECT_EQ(start.budget, "≤ 1.5 × python3 on the bare host");
  EXPECT_EQ(start.figure, "2 × (30 to 15)");
  EXPECT_EQ(start.outcome, Verdict::Outcome::kNotMet);
}

TEST(Budgets, ARateHasToReachItsLimit) {
  const Report report = report_of({series("rate.ours", {100}), series("rate.bwrap", {40})});
  EXPECT_EQ(verdict(report, "start → run → gone on all cores").outcome, Verdict::Outcome::kMet);
}

TEST(Budgets, TheLargestOfManyIsHeldAgainstTheirMiddle) {
  std::vector<double> starts(100, 10);
  starts[98] = starts[99] = 60;
  const Verdict slow =
      verdict(report_of({series("alone.ours.start", starts)}), "p99 of start, idle machine");
  EXPECT_EQ(slow.figure, "6 × (60 to 10)");
  EXPECT_EQ(slow.outcome, Verdict::Outcome::kNotMet);
}

TEST(Budgets, WhatWasNotMeasuredSaysWhy) {
  Report report = report_of({series("start.ours", {30})});
  report.comparisons[0].series.push_back(
      {"whole.python3", "", Whose::kTheirs, Samples(), "not installed"});
  const Verdict start = verdict(report, "start → first Python result, nothing pooled");
  EXPECT_EQ(start.outcome, Verdict::Outcome::kNotMeasured);
  EXPECT_EQ(start.figure, "not run: not installed");
}

TEST(Budgets, CostIsFlatWhenAThousandMakeNoDifference) {
  Report report;
  report.tables.push_back({"growth", "", "ms", "", {"1", "10", "100", "1000"}, {}});
  report.tables[0].rows.push_back({"growth.start", "", {10, 10, 11, 40}, ""});
  report.tables[0].rows.push_back({"growth.run", "", {0.2, 0.2, 0.21, std::nullopt}, ""});
  EXPECT_EQ(verdict(report, "start beside 1000").outcome, Verdict::Outcome::kNotMet);
  EXPECT_EQ(verdict(report, "code().run(\"1\") beside 100").outcome, Verdict::Outcome::kMet);
}

}  // namespace
}  // namespace msb::bench
