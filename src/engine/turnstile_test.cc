// SPDX-License-Identifier: Apache-2.0
#include "engine/turnstile.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>
#include <vector>

namespace msb::engine {
namespace {

TEST(Turnstile, LetsOneInAtATime) {
  Turnstile turnstile;
  std::atomic<int> inside = 0;
  std::atomic<int> total = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 100; ++j) {
        const auto turn = turnstile.enter({});
        ASSERT_TRUE(turn);
        EXPECT_EQ(++inside, 1);
        ++total;
        --inside;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(total, 800);
}

TEST(Turnstile, ACancelledWaiterDoesNotHoldUpTheRest) {
  Turnstile turnstile;
  auto first = std::make_optional(turnstile.enter({}));
  std::stop_source stop;
  auto cancelled =
      std::async(std::launch::async, [&] { return turnstile.enter(stop.get_token()).has_value(); });
  auto third = std::async(std::launch::async, [&] { return turnstile.enter({}).has_value(); });
  stop.request_stop();
  EXPECT_FALSE(cancelled.get());
  first.reset();
  EXPECT_TRUE(third.get());
}

TEST(Turnstile, ClosingSendsAllAway) {
  Turnstile turnstile;
  const auto first = turnstile.enter({});
  auto waiting = std::async(std::launch::async, [&] { return turnstile.enter({}).has_value(); });
  turnstile.close();
  EXPECT_FALSE(waiting.get());
  EXPECT_FALSE(turnstile.enter({}));
}

}  // namespace
}  // namespace msb::engine
