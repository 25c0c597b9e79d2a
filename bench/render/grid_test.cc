// SPDX-License-Identifier: Apache-2.0
#include "bench/render/grid.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace msb::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Report sample() {
  Report report;
  report.machine = {{"kernel", "Linux 6.18"}};
  report.comparisons.push_back({"start",
                                "start → hi",
                                "ms",
                                "a note",
                                {{"start.a", "theirs", Whose::kTheirs, Samples({10, 20, 30}), ""},
                                 {"start.b", "missing", Whose::kTheirs, Samples(), "not installed"},
                                 {"start.c", "ours", Whose::kOurs, Samples({5}), ""}}});
  report.tables.push_back({"memory",
                           "memory",
                           "MiB",
                           "",
                           {"private", "PSS"},
                           {{"memory.a", "ours", {1.5, std::nullopt}, ""}}});
  return report;
}

TEST(Grid, AComparisonHasPercentilesAndTheRatioToTheFirst) {
  const Grid grid = grids_of(sample())[0];
  EXPECT_THAT(grid.rows[0], ElementsAre("", "p50 ms", "p90 ms", "p99 ms", "ratio", "samples"));
  EXPECT_THAT(grid.rows[1], ElementsAre("theirs", "20", "30", "30", "1", "3"));
  EXPECT_THAT(grid.rows[3], ElementsAre("ours", "5", "5", "5", "0.25", "1"));
}

TEST(Grid, WhoWasNotRunHasARowWithTheReason) {
  EXPECT_THAT(grids_of(sample())[0].rows[2],
              ElementsAre("missing", "not run: not installed", "", "", "", ""));
}

TEST(Grid, AFigureThatIsNotThereIsADash) {
  EXPECT_THAT(grids_of(sample())[1].rows[1], ElementsAre("ours", "1.5", "–"));
}

TEST(Grid, PlainTextAlignsItsColumns) {
  EXPECT_THAT(plain_text(sample()), HasSubstr("\nstart → hi\n"
                                              "           p50 ms  p90 ms  p99 ms  ratio  samples\n"
                                              "  theirs   20      30      30      1      3\n"
                                              "  missing  not run: not installed\n"
                                              "  ours     5       5       5       0.25   1\n"
                                              "  a note\n"));
}

TEST(Grid, MarkdownIsATable) {
  EXPECT_THAT(markdown(sample()), HasSubstr("### memory\n\n"
                                            "| MiB | private | PSS |\n"
                                            "|---|---|---|\n"
                                            "| ours | 1.5 | – |\n"));
}

TEST(Grid, VerdictsComeFirst) {
  Report report = sample();
  report.verdicts = {{"stop", "≤ 10 ms", "2.9 ms", Verdict::Outcome::kMet}};
  EXPECT_THAT(grids_of(report)[0].rows[1], ElementsAre("stop", "≤ 10 ms", "2.9 ms", "met"));
}

}  // namespace
}  // namespace msb::bench
