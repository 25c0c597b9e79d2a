// SPDX-License-Identifier: Apache-2.0
#include "cli/nearest.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace msb::cli {
namespace {

const std::array<std::string, 4> kVerbs = {"run", "eval", "image", "doctor"};

TEST(Nearest, FindsAWordWithOneMistake) {
  EXPECT_EQ(nearest("rn", kVerbs), "run");
  EXPECT_EQ(nearest("evla", kVerbs), "eval");
  EXPECT_EQ(nearest("images", kVerbs), "image");
  EXPECT_EQ(nearest("dokctor", kVerbs), "doctor");
}

TEST(Nearest, OffersNothingForAnotherWord) {
  EXPECT_EQ(nearest("xyz", kVerbs), std::nullopt);
  EXPECT_EQ(nearest("", kVerbs), std::nullopt);
  EXPECT_EQ(nearest(std::string(100'000, 'r'), kVerbs), std::nullopt);
}

TEST(Nearest, PrefersFewerEdits) {
  const std::array<std::string, 2> options = {"--processes", "--process"};
  EXPECT_EQ(nearest("--proces", options), "--process");
}

}  // namespace
}  // namespace msb::cli
