// SPDX-License-Identifier: Apache-2.0
#include "isolation/probe_text.h"

#include <gtest/gtest.h>

namespace msb::isolation {
namespace {

TEST(ProbeText, SurvivesTheWire) {
  HostProbe probe;
  probe.findings = {{"kernel", Finding::Level::kGood, "Linux", ""},
                    {"disk limit", Finding::Level::kWeak, "a\tb\nc", "do this"}};
  const auto read = parse_probe(to_text(probe));
  ASSERT_TRUE(read.has_value());
  EXPECT_TRUE(read->jail_usable);
  ASSERT_EQ(read->findings.size(), 2u);
  EXPECT_EQ(read->findings[0].detail, "Linux");
  EXPECT_EQ(read->findings[1].level, Finding::Level::kWeak);
  EXPECT_EQ(read->findings[1].detail, "a b c");
  EXPECT_EQ(read->findings[1].remedy, "do this");
}

TEST(ProbeText, WhatIsMissingMakesTheJailUnusable) {
  const auto read = parse_probe("good\ta\tb\t\nmissing\tuser namespace\tno\tyes\n");
  ASSERT_TRUE(read.has_value());
  EXPECT_FALSE(read->jail_usable);
}

TEST(ProbeText, NonsenseIsRefused) {
  EXPECT_FALSE(parse_probe("").has_value());
  EXPECT_FALSE(parse_probe("fine\ta\tb\tc\n").has_value());
  EXPECT_FALSE(parse_probe("good\ta\tb\n").has_value());
}

}  // namespace
}  // namespace msb::isolation
