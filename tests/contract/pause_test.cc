// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes that stand still, and go on. Where the host cannot have that, they skip.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "contract.h"

namespace msb::contract {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Pause : public Started<PythonSandbox> {
 protected:
  void SetUp() override {
    Started::SetUp();
    if (HasFatalFailure()) {
      return;
    }
    const auto paused = sandbox_.pause();
    if (!paused && paused.error().is(ErrorCode::kUnsupported)) {
      GTEST_SKIP() << why(paused);
    }
    ASSERT_TRUE(paused) << why(paused);
    ASSERT_TRUE(sandbox_.resume());
    out("x = 41");
  }

  void pause() {
    const auto paused = sandbox_.pause();
    ASSERT_TRUE(paused) << why(paused);
  }
  void resume() {
    const auto resumed = sandbox_.resume();
    ASSERT_TRUE(resumed) << why(resumed);
  }
};

// What has been said so far.
class Ticks {
 public:
  OutputCallback callback() {
    return [this](Stream, std::string_view bytes) {
      const std::lock_guard lock(mutex_);
      count_ += std::ranges::count(bytes, '\n');
      changed_.notify_all();
    };
  }
  long count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  bool pass(long number) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, seconds(10), [&] { return count_ > number; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  long count_ = 0;
};

TEST_F(Pause, RefusesRunsUntilItIsResumed) {
  pause();
  for (const Error& error :
       {sandbox_.code().run("1").error(), sandbox_.command().run("true").error(),
        sandbox_.command().spawn("true").error()}) {
    EXPECT_TRUE(error.is(ErrorCode::kSandboxPaused)) << error.message();
    EXPECT_NE(error.message().find("resume it first"), std::string::npos) << error.message();
  }
  const auto metrics = sandbox_.metrics().all();
  ASSERT_TRUE(metrics) << why(metrics);
  EXPECT_TRUE(metrics->is_running);
  EXPECT_TRUE(metrics->is_paused);
  resume();
  EXPECT_FALSE(sandbox_.metrics().all()->is_paused);
  EXPECT_EQ(out("print(x + 1)"), "42");
}

TEST_F(Pause, TwiceIsOnce) {
  pause();
  pause();
  resume();
  EXPECT_EQ(out("print(x)"), "41");
  resume();
  EXPECT_EQ(out("print(x)"), "41");
}

TEST_F(Pause, WhatRunsStandsStillAndGoesOn) {
  Ticks ticks;
  SpawnOptions options;
  options.command.on_output = ticks.callback();
  auto process =
      sandbox_.command().spawn("sh", {"-c", "while :; do echo tick; sleep 0.02; done"}, options);
  ASSERT_TRUE(process) << why(process);
  ASSERT_TRUE(ticks.pass(3));
  pause();
  // What had been said before may still be on its way.
  long before = 0;
  ASSERT_TRUE(eventually([&] {
    before = ticks.count();
    std::this_thread::sleep_for(milliseconds(200));
    return ticks.count() == before;
  }));
  std::this_thread::sleep_for(milliseconds(300));
  EXPECT_EQ(ticks.count(), before);
  resume();
  EXPECT_TRUE(ticks.pass(before + 3));
}

TEST_F(Pause, ATimeLimitThatPassesMeanwhileEndsItsRunAndNothingElse) {
  Result<CodeExecution> run = std::unexpected(Error(ErrorCode::kInternal, "did not run"));
  std::thread runner([&] {
    RunOptions options;
    options.timeout = milliseconds(500);
    run = sandbox_.code().run("import time\ntime.sleep(60)", options);
  });
  std::this_thread::sleep_for(milliseconds(200));
  pause();
  std::this_thread::sleep_for(seconds(1));
  resume();
  runner.join();
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "timeout");
  EXPECT_EQ(out("print(x)"), "41");
}

TEST_F(Pause, TheTimeOfDayIsRightAfterwards) {
  pause();
  std::this_thread::sleep_for(seconds(3));
  resume();
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const double here = std::chrono::duration<double>(now).count();
  EXPECT_TRUE(eventually([&] {
    return out("import time; print(abs(time.time() - " + std::to_string(here) + ") < 2.5)") ==
           "True";
  }));
}

TEST_F(Pause, WhatIsEndedMeanwhileIsGoneAfterwards) {
  {
    auto process = sandbox_.command().spawn("sleep", {"1234"});
    ASSERT_TRUE(process) << why(process);
    pause();
  }  // does not wait for the sandbox to go on
  resume();
  EXPECT_TRUE(eventually([&] {
    return shell(
               "for p in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$p; done 2>/dev/null |"
               " grep -c 'sleep 123[4]'") == "0";
  }));
}

TEST_F(Pause, APausedOneCanBeStopped) {
  const Kept kept("paused");
  PythonSandbox sandbox(kept.options());
  ASSERT_TRUE(sandbox.start());
  ASSERT_TRUE(sandbox.command().run("sh", {"-c", "echo kept > ~/file"}));
  ASSERT_TRUE(sandbox.pause());
  ASSERT_TRUE(sandbox.stop());
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(sandbox.command().run("sh", {"-c", "cat ~/file"})->output(), "kept");
  EXPECT_FALSE(sandbox.metrics().all()->is_paused);
  ASSERT_TRUE(sandbox.pause());
  EXPECT_TRUE(sandbox.remove());
}

TEST_F(Pause, OthersFindItPausedAndMayResumeIt) {
  const Kept kept("shared");
  PythonSandbox one(kept.options());
  ASSERT_TRUE(one.start());
  PythonSandbox other(kept.options());
  ASSERT_TRUE(other.attach());
  ASSERT_TRUE(one.pause());
  EXPECT_TRUE(other.code().run("1").error().is(ErrorCode::kSandboxPaused));
  const SandboxOptions where = kept.options();
  const auto all = Sandbox::list(where);
  ASSERT_TRUE(all) << why(all);
  const auto reading = std::ranges::find(*all, kept.name(), &Metrics::name);
  ASSERT_NE(reading, all->end());
  EXPECT_TRUE(reading->is_paused);
  ASSERT_TRUE(other.resume());
  EXPECT_EQ(one.code().run("print(1)")->output(), "1");
}

TEST(PauseOfNothing, IsAnError) {
  PythonSandbox sandbox;
  EXPECT_TRUE(sandbox.pause().error().is(ErrorCode::kSandboxNotStarted));
  EXPECT_TRUE(sandbox.resume().error().is(ErrorCode::kSandboxNotStarted));
}

}  // namespace
}  // namespace msb::contract
