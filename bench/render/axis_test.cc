// SPDX-License-Identifier: Apache-2.0
#include "bench/render/axis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace msb::bench {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;
using ::testing::Pointwise;

TEST(LogAxis, HoldsItsRangeAndGrowsWithTheValue) {
  const LogAxis axis(1, 100, 200);
  EXPECT_GT(axis.at(1), 0);
  EXPECT_LT(axis.at(100), 200);
  EXPECT_NEAR(axis.at(10), 100, 1e-9);  // the middle of the logarithms
}

TEST(LogAxis, OneValueStandsInTheMiddle) {
  EXPECT_NEAR(LogAxis(7, 7, 200).at(7), 100, 1e-9);
}

TEST(LogAxis, ItsTicksAreRoundNumbers) {
  EXPECT_THAT(LogAxis(0.9, 60, 200).ticks(),
              Pointwise(DoubleEq(), std::vector<double>{1, 2, 5, 10, 20, 50}));
}

TEST(LogAxis, OverManyDecadesItsTicksArePowersOfTen) {
  EXPECT_THAT(LogAxis(0.05, 500, 200).ticks(),
              Pointwise(DoubleEq(), std::vector<double>{0.1, 1, 10, 100}));
}

}  // namespace
}  // namespace msb::bench
