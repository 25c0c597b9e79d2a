// SPDX-License-Identifier: Apache-2.0
#include "isolation/probe_text.h"

#include <gtest/gtest.h>

namespace msb::isolation {
namespace {

TEST(ProbeText, SurvivesTheWire) {
  const std::vector<TierProbe> tiers = {
      {.tier = "jail",
       .findings = {{"kernel", Finding::Level::kGood, "Linux", ""},
                    {"disk limit", Finding::Level::kWeak, "a\tb\nc", "do this"}}},
      {.tier = "oci:crun", .findings = {{"program", Finding::Level::kMissing, "none", "get one"}}}};
  const auto read = parse_probe(to_text(tiers));
  ASSERT_TRUE(read.has_value());
  ASSERT_EQ(read->size(), 2u);
  const auto& findings = read->at(0).findings;
  EXPECT_EQ(read->at(0).tier, "jail");
  ASSERT_EQ(findings.size(), 2u);
  EXPECT_EQ(findings[0].detail, "Linux");
  EXPECT_EQ(findings[1].level, Finding::Level::kWeak);
  EXPECT_EQ(findings[1].detail, "a b c");
  EXPECT_EQ(findings[1].remedy, "do this");
  EXPECT_EQ(read->at(1).tier, "oci:crun");
}

TEST(ProbeText, WhatIsMissingMakesATierUnusable) {
  const auto read = parse_probe("jail\tweak\ta\tb\tc\noci:crun\tmissing\tprogram\tno\tyes\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->at(0).is_usable());
  EXPECT_FALSE(read->at(1).is_usable());
}

TEST(ProbeText, NonsenseIsRefused) {
  EXPECT_FALSE(parse_probe("").has_value());
  EXPECT_FALSE(parse_probe("jail\tfine\ta\tb\tc\n").has_value());
  EXPECT_FALSE(parse_probe("jail\tgood\ta\tb\n").has_value());
}

}  // namespace
}  // namespace msb::isolation
