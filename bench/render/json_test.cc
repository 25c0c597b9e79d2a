// SPDX-License-Identifier: Apache-2.0
#include "bench/render/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace msb::bench {
namespace {

TEST(Json, HasEverySampleAndEveryReason) {
  Report report;
  report.machine = {{"kernel", "Linux 6.18"}};
  report.comparisons.push_back({"start",
                                "start",
                                "ms",
                                "",
                                {{"start.a", "A", Whose::kOurs, Samples({3, 1, 2}), ""},
                                 {"start.b", "B", Whose::kTheirs, Samples(), "not installed"}}});
  report.tables.push_back(
      {"growth", "", "ms", "", {"1", "1000"}, {{"growth.run", "run", {0.2, std::nullopt}, ""}}});
  report.verdicts = {{"stop", "≤ 10 ms", "not run", Verdict::Outcome::kNotMeasured}};
  const auto all = nlohmann::json::parse(json(report));
  EXPECT_EQ(all["machine"]["kernel"], "Linux 6.18");
  const auto& series = all["comparisons"][0]["series"];
  EXPECT_EQ(series[0]["samples"], (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(series[0]["p50"], 2);
  EXPECT_EQ(series[1]["not_run"], "not installed");
  EXPECT_TRUE(all["tables"][0]["rows"][0]["figures"]["1000"].is_null());
  EXPECT_TRUE(all["budgets"][0]["met"].is_null());
}

}  // namespace
}  // namespace msb::bench
