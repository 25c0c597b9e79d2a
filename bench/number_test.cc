// SPDX-License-Identifier: Apache-2.0
#include "bench/number.h"

#include <gtest/gtest.h>

namespace msb::bench {
namespace {

TEST(Number, HasThreeDigitsThatMeanSomething) {
  EXPECT_EQ(number(0.21449), "0.214");
  EXPECT_EQ(number(2.9), "2.9");
  EXPECT_EQ(number(22.34), "22.3");
  EXPECT_EQ(number(881.4), "881");
  EXPECT_EQ(number(12034.4), "12034");
}

TEST(Number, SaysNoMoreThanItKnows) {
  EXPECT_EQ(number(0), "0");
  EXPECT_EQ(number(8), "8");
  EXPECT_EQ(number(10), "10");
  EXPECT_EQ(number(100), "100");
  EXPECT_EQ(number(0.0001), "0");
  EXPECT_EQ(number(-1.5), "-1.5");
}

}  // namespace
}  // namespace msb::bench
