// SPDX-License-Identifier: Apache-2.0
#include "engine/tier_choice.h"

#include <gtest/gtest.h>

namespace msb::engine {
namespace {

std::string chosen(const TierChoice& choice, std::string_view isolation) {
  const auto tier = choice.choose(isolation);
  return tier ? isolation::to_text(*tier) : tier.error().message();
}

TEST(TierChoice, IsTheJailAndAnythingWithoutAList) {
  const TierChoice choice = *TierChoice::create({});
  EXPECT_EQ(chosen(choice, ""), "jail");
  EXPECT_EQ(chosen(choice, "oci:runc"), "oci:runc");
}

TEST(TierChoice, OfAListIsItsFirstOrOneOfIt) {
  const TierChoice choice = *TierChoice::create({"oci:crun", "oci:runsc"});
  EXPECT_EQ(chosen(choice, ""), "oci:crun");
  EXPECT_EQ(chosen(choice, "oci:runsc"), "oci:runsc");
  EXPECT_EQ(chosen(choice, "jail"),
            "isolation 'jail': is not allowed here; allowed: oci:crun oci:runsc");
  EXPECT_TRUE(choice.choose("jail").error().is(ErrorCode::kPermissionDenied));
}

TEST(TierChoice, OfWhatIsNoTierIsRefused) {
  EXPECT_FALSE(TierChoice::create({"jail", "docker"}));
  EXPECT_TRUE(TierChoice::create({})->choose("docker").error().is(ErrorCode::kInvalidArgument));
}

}  // namespace
}  // namespace msb::engine
