// SPDX-License-Identifier: Apache-2.0
#include "agent/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>

#include <chrono>
#include <vector>

#include "base/file.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

using std::chrono::milliseconds;

class Loop : public ::testing::Test {
 protected:
  std::unique_ptr<EventLoop> loop_ = EventLoop::create().value();
  base::sys::Pipe pipe_ = base::sys::pipe().value();
};

TEST_F(Loop, CallsTimersInTheirOrder) {
  std::vector<int> calls;
  const auto second = loop_->after(milliseconds(2), [&] { calls.push_back(2); });
  const auto first = loop_->after(milliseconds(1), [&] { calls.push_back(1); });
  while (calls.size() < 2) {
    ASSERT_TRUE(loop_->turn(EventLoop::Wait::kForEvents));
  }
  EXPECT_EQ(calls, (std::vector{1, 2}));
}

TEST_F(Loop, ForgetsAStoppedTimer) {
  bool called = false;
  {
    const auto timer = loop_->after(milliseconds(0), [&] { called = true; });
  }
  ASSERT_TRUE(loop_->turn(EventLoop::Wait::kNot));
  EXPECT_FALSE(called);
}

TEST_F(Loop, ATimerMayReplaceItself) {
  int calls = 0;
  EventLoop::Timer timer;
  timer = loop_->after(milliseconds(0), [&] {
    ++calls;
    timer = loop_->after(milliseconds(0), [&] { ++calls; });
  });
  while (calls < 2) {
    ASSERT_TRUE(loop_->turn(EventLoop::Wait::kForEvents));
  }
}

TEST_F(Loop, AWatchMayEndItselfAndOthersInItsCallback) {
  auto other = base::sys::pipe().value();
  ASSERT_TRUE(base::write_all(pipe_.write_end.get(), "x"));
  ASSERT_TRUE(base::write_all(other.write_end.get(), "x"));
  int calls = 0;
  EventLoop::Watch first;
  EventLoop::Watch second;
  const auto end_both = [&](std::uint32_t) {
    ++calls;
    first.stop();
    second.stop();
  };
  first = loop_->watch(pipe_.read_end.get(), EPOLLIN, end_both).value();
  second = loop_->watch(other.read_end.get(), EPOLLIN, end_both).value();
  ASSERT_TRUE(loop_->turn(EventLoop::Wait::kForEvents));
  ASSERT_TRUE(loop_->turn(EventLoop::Wait::kNot));
  EXPECT_EQ(calls, 1);
}

TEST_F(Loop, AReusedPlaceGetsNoOldEvents) {
  ASSERT_TRUE(base::write_all(pipe_.write_end.get(), "x"));
  auto quiet = base::sys::pipe().value();
  auto loud = base::sys::pipe().value();
  ASSERT_TRUE(base::write_all(loud.write_end.get(), "x"));
  bool wrong = false;
  EventLoop::Watch first;
  EventLoop::Watch second;
  EventLoop::Watch third;
  const auto swap = [&](std::uint32_t) {
    first.stop();
    second.stop();
    // Takes the place whose event may be waiting in this very turn.
    third =
        loop_->watch(quiet.read_end.get(), EPOLLIN, [&](std::uint32_t) { wrong = true; }).value();
  };
  first = loop_->watch(pipe_.read_end.get(), EPOLLIN, swap).value();
  second = loop_->watch(loud.read_end.get(), EPOLLIN, swap).value();
  ASSERT_TRUE(loop_->turn(EventLoop::Wait::kForEvents));
  EXPECT_FALSE(wrong);
}

}  // namespace
}  // namespace msb::agent
