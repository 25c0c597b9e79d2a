// SPDX-License-Identifier: Apache-2.0
#include "base/parse.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace msb::base {
namespace {

using std::chrono::milliseconds;

TEST(Parse, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_number<int>("42"), 42);
  EXPECT_EQ(parse_number<int>("42x"), std::nullopt);
  EXPECT_EQ(parse_number<int>(""), std::nullopt);
  EXPECT_EQ(parse_number<int>(" 42"), std::nullopt);
  EXPECT_EQ(parse_number<std::uint16_t>("70000"), std::nullopt);
  EXPECT_EQ(parse_number<std::uint16_t>("-1"), std::nullopt);
  EXPECT_EQ(parse_number<unsigned>("ff", 16), 255U);
}

TEST(Parse, FindsTheNumberBehindAKey) {
  EXPECT_EQ(number_behind("oom 1\noom_kill 23\n", "oom_kill"), 23u);
  EXPECT_EQ(number_behind("oom 1\noom_kill 23", "oom"), 1u);
  EXPECT_EQ(number_behind("oom_kill_disable 0\n", "oom_kill"), 0u);
  EXPECT_EQ(number_behind("oom_kill many\n", "oom_kill"), 0u);
  EXPECT_EQ(number_behind("", "x"), 0u);
}

TEST(Parse, KnowsDurations) {
  EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("10s"), milliseconds(10000));
  EXPECT_EQ(parse_duration("2.5m"), milliseconds(150000));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3600000));
  EXPECT_EQ(parse_duration("3"), milliseconds(3000));
}

TEST(Parse, RefusesWhatIsNoDuration) {
  for (const char* text : {"", "s", "-1s", "1d", "1e9s", "nan", "inf", "1 s", "99999999999h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace msb::base
