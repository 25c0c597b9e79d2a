// SPDX-License-Identifier: Apache-2.0
//
// Who gets a spare, and how many there are. The spares are nothing but links to agents that tests
// play: what a real one does is tested in tests/contract.
#include "engine/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <set>
#include <string>

#include "engine/testing/fake_agent.h"

namespace msb::engine {
namespace {

using testing::FakeAgent;
using namespace std::chrono_literals;

constexpr std::chrono::seconds kPatience{20};

SpareOrder order_for(const std::string& image, ino_t layer = 1) {
  SpareOrder order;
  order.kind.image_digest = "sha256:" + image;
  order.kind.layers = {{.device = 1, .inode = layer}};
  order.reference = image;
  return order;
}

class PoolTest : public ::testing::Test {
 protected:
  ~PoolTest() override { pool_.reset(); }

  void open(const PoolOptions& options) {
    pool_ = std::make_unique<Pool>(
        options,
        Pool::Engine{.make = [this](const auto& order, const auto&) { return make(order); },
                     .is_current =
                         [this](const auto&) {
                           ++looks_;
                           return current_.load();
                         },
                     .memory = [this] { return memory(); },
                     .now = [this] { return time_stands_ ? begin_ : Pool::Clock::now(); }});
    address_ = pool_.get();
  }

  Result<std::unique_ptr<Spare>> make(const SpareOrder& order) {
    const std::lock_guard lock(mutex_);
    ++made_;
    if (fails_ || (has_no_node_ && std::ranges::count(order.warm, wire::Language::kNode) > 0)) {
      return fail(ErrorCode::kIo, "cannot");
    }
    last_order_ = order;
    auto& agent = agents_.emplace_back(std::make_unique<FakeAgent>(*loop_));
    Spare::Parts parts;
    parts.id = std::to_string(made_);
    parts.link = agent->link();
    parts.exit_report = agent->exit_report();
    parts.link->when_lost([pool = address_] { pool->look_again(); });
    return std::make_unique<Spare>(std::move(parts));
  }

  HostMemory memory() {
    const std::lock_guard lock(mutex_);
    return memory_;
  }
  void set_available(std::uint64_t bytes) {
    const std::lock_guard lock(mutex_);
    memory_.available_bytes = bytes;
  }
  int made() {
    const std::lock_guard lock(mutex_);
    return made_;
  }

  // Starts that are over at once.
  void start(const SpareOrder& order, int times) {
    for (int i = 0; i < times; ++i) {
      const Pool::Start guard(*pool_);
      (void)pool_->claim(order);
    }
  }

  bool comes_true(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) {
        return false;
      }
      std::this_thread::yield();
    }
    return true;
  }
  bool becomes_ready(std::size_t count) {
    return comes_true([&] { return pool_->status().ready == count; });
  }
  // A pool full of spares for `order`.
  bool opens_with_four(const SpareOrder& order) {
    open({.max_spares = 4});
    start(order, 10);
    return becomes_ready(4);
  }

  std::unique_ptr<IoLoop> loop_ = *IoLoop::start();
  std::mutex mutex_;  // guards what follows
  std::deque<std::unique_ptr<FakeAgent>> agents_;
  HostMemory memory_{.total_bytes = 64ull << 30, .available_bytes = 32ull << 30};
  SpareOrder last_order_;
  int made_ = 0;
  bool fails_ = false;
  bool has_no_node_ = false;
  std::atomic<bool> current_ = true;
  std::atomic<int> looks_ = 0;  // whether images are current
  const Pool::Clock::time_point begin_ = Pool::Clock::now();
  // Demand does not fall while a busy machine keeps a test from going on.
  std::atomic<bool> time_stands_ = true;
  std::unique_ptr<Pool> pool_;
  Pool* address_ = nullptr;  // also while it ends and still makes spares: pool_ is null by then
};

TEST_F(PoolTest, WithoutSparesIsOff) {
  open({});
  EXPECT_FALSE(pool_->is_on());
  start(order_for("a"), 10);
  EXPECT_EQ(pool_->status().wanted, 0u);
  EXPECT_EQ(made(), 0);
}

TEST_F(PoolTest, OneStartMakesNoSpare) {
  open({.max_spares = 4});
  start(order_for("a"), 1);
  EXPECT_EQ(pool_->status().wanted, 0u);
  EXPECT_EQ(pool_->status().not_found, 1u);
  pool_->close();
  EXPECT_EQ(made(), 0);
}

TEST_F(PoolTest, GrowsWithDemandUpToItsCap) {
  open({.max_spares = 4});
  start(order_for("a"), 2);
  ASSERT_TRUE(becomes_ready(2));
  start(order_for("a"), 50);
  ASSERT_TRUE(comes_true([&] { return pool_->status().ready == 4; }));
  EXPECT_EQ(pool_->status().wanted, 4u);
}

TEST_F(PoolTest, ShrinksToNothingWithoutStarts) {
  open({.max_spares = 4, .half_life = 50ms});
  start(order_for("a"), 4);
  ASSERT_TRUE(becomes_ready(4));
  time_stands_ = false;
  ASSERT_TRUE(becomes_ready(0));
  EXPECT_EQ(pool_->status().wanted, 0u);
}

TEST_F(PoolTest, ASpareIsClaimedOnceByOneOfManyThreads) {
  constexpr int kThreads = 64;
  open({.max_spares = 8});
  const SpareOrder order = order_for("a");
  start(order, 20);
  ASSERT_TRUE(becomes_ready(8));
  std::mutex mutex;
  std::set<std::string> claimed;
  std::atomic<int> empty = 0;
  std::atomic<bool> go = false;
  std::vector<std::thread> threads;
  {
    const Pool::Start guard(*pool_);  // none is made meanwhile
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        go.wait(false);
        if (const auto spare = pool_->claim(order)) {
          const std::lock_guard lock(mutex);
          EXPECT_TRUE(claimed.insert(spare->parts().id).second);
        } else {
          ++empty;
        }
      });
    }
    go = true;
    go.notify_all();
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  EXPECT_EQ(claimed.size(), 8u);
  EXPECT_EQ(empty, kThreads - 8);
}

TEST_F(PoolTest, IsNotFilledWhileAStartIsUnderWay) {
  open({.max_spares = 4});
  {
    const Pool::Start guard(*pool_);
    (void)pool_->claim(order_for("a"));
    (void)pool_->claim(order_for("a"));
    pool_->look_again();
    EXPECT_EQ(made(), 0);
  }
  EXPECT_TRUE(becomes_ready(2));
}

TEST_F(PoolTest, ADeadSpareIsPassedOverAndReplaced) {
  open({.max_spares = 2});
  const SpareOrder order = order_for("a");
  start(order, 10);
  ASSERT_TRUE(becomes_ready(2));
  {
    const Pool::Start guard(*pool_);
    // The one that would be handed out next.
    agents_.back()->link()->close(Error(ErrorCode::kUnavailable, "died"));
    const auto spare = pool_->claim(order);
    ASSERT_NE(spare, nullptr);
    EXPECT_TRUE(spare->is_alive());
    EXPECT_EQ(pool_->claim(order), nullptr);
  }
  EXPECT_TRUE(becomes_ready(2));
}

TEST_F(PoolTest, ASpareOfAnotherKindIsNobodys) {
  ASSERT_TRUE(opens_with_four(order_for("a")));
  EXPECT_EQ(pool_->claim(order_for("b")), nullptr);
  SpareOrder user = order_for("a");
  user.kind.user = "nobody";
  EXPECT_EQ(pool_->claim(user), nullptr);
  SpareOrder disk = order_for("a");
  disk.kind.disk_bytes = 1;
  EXPECT_EQ(pool_->claim(disk), nullptr);
}

TEST_F(PoolTest, SparesOfAChangedImageAreDropped) {
  ASSERT_TRUE(opens_with_four(order_for("a", 1)));
  // A start that finds other layers under the same name.
  EXPECT_EQ(pool_->claim(order_for("a", 2)), nullptr);
  EXPECT_TRUE(becomes_ready(0));
}

TEST_F(PoolTest, SparesOfARemovedImageAreDropped) {
  ASSERT_TRUE(opens_with_four(order_for("a")));
  pool_->images_changed();
  ASSERT_TRUE(comes_true([&] { return looks_ == 1; }));
  EXPECT_EQ(pool_->status().ready, 4u);
  current_ = false;
  pool_->images_changed();
  EXPECT_TRUE(becomes_ready(0));
  EXPECT_EQ(pool_->status().wanted, 0u);
}

TEST_F(PoolTest, SparesAreGivenUpWhenTheHostNeedsItsMemory) {
  ASSERT_TRUE(opens_with_four(order_for("a")));
  set_available(1);
  pool_->look_again();
  EXPECT_TRUE(becomes_ready(0));
}

TEST_F(PoolTest, WhatWasNotTouchedCanBePutBack) {
  open({.max_spares = 1});
  const SpareOrder order = order_for("a");
  start(order, 5);
  ASSERT_TRUE(becomes_ready(1));
  const Pool::Start guard(*pool_);
  auto spare = pool_->claim(order);
  ASSERT_NE(spare, nullptr);
  const std::string id = spare->parts().id;
  pool_->put_back(order.kind, std::move(spare));
  spare = pool_->claim(order);
  ASSERT_NE(spare, nullptr);
  EXPECT_EQ(spare->parts().id, id);
}

TEST_F(PoolTest, SparesAreWarmInTheLanguagesThatAreUsed) {
  open({.max_spares = 1});
  const SpareOrder order = order_for("a");
  start(order, 1);
  pool_->note_language(order.kind, wire::Language::kNode);
  start(order, 1);
  ASSERT_TRUE(becomes_ready(1));
  EXPECT_EQ(last_order_.warm, std::vector{wire::Language::kNode});
}

TEST_F(PoolTest, ALanguageThatTheImageLacksCostsOneSpare) {
  has_no_node_ = true;
  open({.max_spares = 1});
  const SpareOrder order = order_for("a");
  start(order, 1);
  pool_->note_language(order.kind, wire::Language::kNode);
  start(order, 1);
  ASSERT_TRUE(becomes_ready(1));
  EXPECT_EQ(made(), 2);
  // Nor the next time.
  pool_->note_language(order.kind, wire::Language::kNode);
  ASSERT_NE(pool_->claim(order), nullptr);
  ASSERT_TRUE(becomes_ready(1));
  EXPECT_EQ(made(), 3);
}

TEST_F(PoolTest, WhatCannotBeMadeIsNotTriedWithoutEnd) {
  fails_ = true;
  open({.max_spares = 4});
  start(order_for("a"), 5);
  ASSERT_TRUE(comes_true([&] { return pool_->status().failed == 1; }));
  for (int i = 0; i < 100; ++i) {
    pool_->look_again();
  }
  EXPECT_EQ(pool_->claim(order_for("a")), nullptr);
  pool_->close();
  EXPECT_LE(made(), 2);
}

TEST_F(PoolTest, KeepsABoundedNumberOfKinds) {
  open({.max_spares = 2});
  for (std::size_t i = 0; i < 4 * Pool::kMaxKinds; ++i) {
    start(order_for("image" + std::to_string(i)), 1);
  }
  // The last ones are known, so a second start of one makes a spare.
  start(order_for("image" + std::to_string(4 * Pool::kMaxKinds - 1)), 1);
  EXPECT_TRUE(becomes_ready(2));
}

TEST_F(PoolTest, GivesNothingAwayAfterItsEnd) {
  open({.max_spares = 2});
  start(order_for("a"), 5);
  ASSERT_TRUE(becomes_ready(2));
  pool_->close();
  EXPECT_EQ(pool_->claim(order_for("a")), nullptr);
  EXPECT_EQ(pool_->status().ready, 0u);
}

}  // namespace
}  // namespace msb::engine
