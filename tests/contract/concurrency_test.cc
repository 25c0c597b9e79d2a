// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "contract.h"

namespace msb::contract {
namespace {

constexpr int kThreads = 8;
constexpr int kRuns = 20;

class Together : public Started<PythonSandbox> {};

TEST_F(Together, RunsOfManyThreadsNeverMixTheirOutput) {
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < kRuns; ++j) {
        const std::string mark = std::to_string(i) + "." + std::to_string(j);
        const auto run = sandbox_.code().run("print('" + mark + "')");
        right += run && run->output() == mark && !run->has_error() ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, kThreads * kRuns);
}

TEST_F(Together, CodeCommandsAndMetricsGoSideBySide) {
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < kRuns; ++j) {
        if (i % 3 == 0) {
          right += sandbox_.code().run("1 + 1")->output() == "2" ? 1 : 0;
        } else if (i % 3 == 1) {
          right += sandbox_.command().run("echo", {"hi"})->output() == "hi" ? 1 : 0;
        } else {
          right += sandbox_.metrics().all()->is_running ? 1 : 0;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, kThreads * kRuns);
}

TEST(TogetherApart, ManySandboxesAtOnceDoNotMeet) {
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      PythonSandbox sandbox;
      const auto started = sandbox.start();
      ASSERT_TRUE(started) << why(started);
      (void)sandbox.code().run("mine = " + std::to_string(i));
      for (int j = 0; j < kRuns; ++j) {
        const auto run = sandbox.code().run("mine");
        right += run && run->output() == std::to_string(i) ? 1 : 0;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(right, kThreads * kRuns);
}

TEST(TogetherApart, StartsOfOneNameFromManyThreadsGiveOneSandbox) {
  const Kept kept("one");
  std::vector<std::jthread> threads;
  std::atomic<int> started = 0;
  std::vector<PythonSandbox> sandboxes;
  for (int i = 0; i < kThreads; ++i) {
    sandboxes.emplace_back(kept.options());
  }
  for (PythonSandbox& sandbox : sandboxes) {
    threads.emplace_back([&] { started += sandbox.start() ? 1 : 0; });
  }
  threads.clear();
  EXPECT_EQ(started, kThreads);
  ASSERT_TRUE(sandboxes.front().code().run("shared = 'yes'"));
  EXPECT_EQ(sandboxes.back().code().run("print(shared)")->output(), "yes");
}

}  // namespace
}  // namespace msb::contract
