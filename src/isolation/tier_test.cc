// SPDX-License-Identifier: Apache-2.0
#include "isolation/tier.h"

#include <gtest/gtest.h>

namespace msb::isolation {
namespace {

TEST(Tier, IsReadAsItIsWritten) {
  for (const char* text : {"jail", "oci:crun", "oci:runc", "oci:runsc", "microvm"}) {
    const auto tier = parse_tier(text);
    ASSERT_TRUE(tier) << text;
    EXPECT_EQ(to_text(*tier), text);
  }
  EXPECT_EQ(*parse_tier("jail"), Tier{});
  EXPECT_EQ(parse_tier("oci:crun")->runtime, "crun");
}

TEST(Tier, OfAnotherNameIsRefusedWithThoseThereAre) {
  for (const char* text : {"", "Jail", "jail ", "oci", "oci:", "oci:bash", "oci:../crun", "crun"}) {
    const auto tier = parse_tier(text);
    ASSERT_FALSE(tier) << text;
    EXPECT_TRUE(tier.error().is(ErrorCode::kInvalidArgument));
    EXPECT_EQ(tier.error().message(),
              "isolation '" + std::string(text) +
                  "': must be one of jail, oci:crun, oci:runc, oci:runsc, microvm");
  }
}

TEST(Tier, NotOfThoseThatAreAllowedIsRefusedWithThese) {
  const auto allowed = parse_tiers({"jail", "oci:crun"});
  ASSERT_TRUE(allowed);
  EXPECT_TRUE(check_allowed(*parse_tier("oci:crun"), *allowed));
  EXPECT_TRUE(check_allowed(*parse_tier("oci:runc"), {}));
  for (const char* text : {"oci:runc", "microvm"}) {
    const auto refused = check_allowed(*parse_tier(text), *allowed);
    ASSERT_FALSE(refused) << text;
    EXPECT_TRUE(refused.error().is(ErrorCode::kPermissionDenied));
    EXPECT_EQ(refused.error().message(),
              "isolation '" + std::string(text) + "': is not allowed here; allowed: jail oci:crun");
  }
  EXPECT_FALSE(parse_tiers({"jail", "docker"}));
}

}  // namespace
}  // namespace msb::isolation
