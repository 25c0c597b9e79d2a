// SPDX-License-Identifier: Apache-2.0
#include "bench/contest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/try.h"

namespace msb::bench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const LapTitle kLap{.id = "lap", .title = "work", .unit = "ms"};

TEST(Contest, MeasuresEveryContenderOnceARoundAndForgetsTheFirstGo) {
  int calls = 0;
  const Contender counting{.id = "a", .name = "A", .measure = [&] { return Laps{1.0 * calls++}; }};
  const auto comparison = compare(kLap, {counting}, 3);
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->series[0].id, "lap.a");
  EXPECT_THAT(comparison->series[0].samples.values(), ElementsAre(1, 2, 3));
}

TEST(Contest, GivesAComparisonForEachLap) {
  const Contender both{.id = "a", .name = "A", .measure = [] { return Laps{1, 2}; }};
  const auto comparisons = compare(
      std::vector{kLap, LapTitle{.id = "end", .title = "its end", .unit = "ms"}}, {both}, 2);
  ASSERT_TRUE(comparisons.has_value());
  EXPECT_THAT((*comparisons)[0].series[0].samples.values(), ElementsAre(1, 1));
  EXPECT_EQ((*comparisons)[1].series[0].id, "end.a");
  EXPECT_THAT((*comparisons)[1].series[0].samples.values(), ElementsAre(2, 2));
}

TEST(Contest, MeasuresWhoIsSlowInSomeRoundsOnly) {
  const Contender slow{.id = "a", .name = "A", .measure = [] { return Laps{1}; }, .every = 5};
  const auto comparison = compare(kLap, {slow}, 11);
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->series[0].samples.size(), 3U);  // rounds 0, 5 and 10
}

TEST(Contest, GoesOnWithoutAPeerThatFailsAndSaysWhy) {
  int calls = 0;
  const Contender failing{.id = "a", .name = "A", .measure = [&]() -> Result<Laps> {
                            if (++calls == 2) {
                              return fail(ErrorCode::kIo, "it broke");
                            }
                            return Laps{1};
                          }};
  const Contender well{.id = "b", .name = "B", .measure = [] { return Laps{1}; }};
  const auto comparison = compare(kLap, {failing, well}, 4);
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->series[0].not_run, "it broke");
  EXPECT_THAT(comparison->series[0].samples.values(), IsEmpty());
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(comparison->series[1].samples.size(), 4U);
}

TEST(Contest, EndsWhenOursFails) {
  const Contender ours{
      .id = "a", .name = "ours", .whose = Whose::kOurs, .measure = []() -> Result<Laps> {
        return fail(ErrorCode::kIo, "it broke");
      }};
  const auto comparison = compare(kLap, {ours}, 1);
  ASSERT_FALSE(comparison.has_value());
  EXPECT_THAT(comparison.error().message(), HasSubstr("ours: it broke"));
}

TEST(Contest, NamesWhoWasNotMeasuredAtAll) {
  const Contender missing{.id = "a", .name = "A", .not_run = "not installed"};
  const auto comparison = compare(kLap, {missing}, 1);
  ASSERT_TRUE(comparison.has_value());
  EXPECT_EQ(comparison->series[0].not_run, "not installed");
}

}  // namespace
}  // namespace msb::bench
