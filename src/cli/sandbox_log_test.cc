// SPDX-License-Identifier: Apache-2.0
#include "cli/sandbox_log.h"

#include <gtest/gtest.h>

namespace msb::cli {
namespace {

TEST(SandboxLog, TellsWhatWasAdded) {
  EXPECT_EQ(added("", ""), "");
  EXPECT_EQ(added("", "one\n"), "one\n");
  EXPECT_EQ(added("one\n", "one\n"), "");
  EXPECT_EQ(added("one\n", "one\ntwo\n"), "two\n");
}

TEST(SandboxLog, FindsItsPlaceWhenTheBeginningHasGone) {
  EXPECT_EQ(added("one\ntwo\nthree\n", "two\nthree\nfour\n"), "four\n");
  EXPECT_EQ(added("aab", "abaabaa"), "aabaa");
  EXPECT_EQ(added("xxxxy", "xxyxx"), "xx");
}

TEST(SandboxLog, TellsAllOfAnother) {
  EXPECT_EQ(added("one\n", "two\n"), "two\n");
  EXPECT_EQ(added("one\n", ""), "");
}

TEST(SandboxLog, CountsLinesFromTheEnd) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), "b\nc\n");
  EXPECT_EQ(last_lines("a\nb\nc", 2), "b\nc");
  EXPECT_EQ(last_lines("a\nb\n", 2), "a\nb\n");
  EXPECT_EQ(last_lines("a\nb\n", 9), "a\nb\n");
  EXPECT_EQ(last_lines("a\n", 0), "");
  EXPECT_EQ(last_lines("", 3), "");
  EXPECT_EQ(last_lines("\n\n\n", 2), "\n\n");
}

}  // namespace
}  // namespace msb::cli
