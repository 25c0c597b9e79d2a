// SPDX-License-Identifier: Apache-2.0
#include "server/body_budget.h"

#include <gtest/gtest.h>

#include <optional>

namespace msb::server {
namespace {

constexpr std::size_t kFree = BodyBudget::kFreeBytes;

TEST(BodyBudget, ManyBodiesShareIt) {
  BodyBudget budget(1000);
  BodyBudget::Share one(budget);
  std::optional<BodyBudget::Share> two(std::in_place, budget);
  EXPECT_TRUE(one.grow_to(kFree + 600));
  EXPECT_TRUE(two->grow_to(kFree + 400));
  EXPECT_FALSE(one.grow_to(kFree + 601));
  EXPECT_EQ(budget.held_bytes(), 1000u);
  two.reset();
  EXPECT_EQ(budget.held_bytes(), 600u);
  EXPECT_TRUE(one.grow_to(kFree + 1000));
}

TEST(BodyBudget, SmallBodiesPassWhenItIsUsedUp) {
  BodyBudget budget(1);
  BodyBudget::Share large(budget);
  EXPECT_TRUE(large.grow_to(kFree + 1));
  BodyBudget::Share small(budget);
  EXPECT_TRUE(small.grow_to(kFree));
  EXPECT_FALSE(small.grow_to(kFree + 1));
}

TEST(BodyBudget, AShareDoesNotShrinkBeforeItsEnd) {
  BodyBudget budget(1000);
  BodyBudget::Share share(budget);
  EXPECT_TRUE(share.grow_to(kFree + 500));
  EXPECT_TRUE(share.grow_to(0));
  EXPECT_EQ(budget.held_bytes(), 500u);
}

}  // namespace
}  // namespace msb::server
