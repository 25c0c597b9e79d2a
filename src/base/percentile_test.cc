// SPDX-License-Identifier: Apache-2.0
#include "base/percentile.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace msb::base {
namespace {

TEST(Percentile, OfOneValueIsThatValue) {
  const std::vector<double> one = {7};
  EXPECT_EQ(percentile(one, 0), 7);
  EXPECT_EQ(percentile(one, 0.5), 7);
  EXPECT_EQ(percentile(one, 1), 7);
}

TEST(Percentile, IsAlwaysOneOfTheValues) {
  const std::vector<double> four = {1, 2, 10, 20};
  EXPECT_EQ(percentile(four, 0.5), 2);
  EXPECT_EQ(percentile(four, 0.51), 10);
  EXPECT_EQ(percentile(four, 0.75), 10);
  EXPECT_EQ(percentile(four, 0.99), 20);
}

TEST(Percentile, OfAHundredValuesIsTheOneOfThatRank) {
  std::vector<double> hundred(100);
  std::iota(hundred.begin(), hundred.end(), 1);
  for (int rank = 1; rank <= 100; ++rank) {
    EXPECT_EQ(percentile(hundred, rank / 100.0), rank);
  }
}

}  // namespace
}  // namespace msb::base
