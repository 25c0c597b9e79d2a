// SPDX-License-Identifier: Apache-2.0
#include <condition_variable>
#include <mutex>
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

// Output of a process, to wait for.
class Heard {
 public:
  OutputCallback callback() {
    return [this](Stream, std::string_view bytes) {
      const std::lock_guard lock(mutex_);
      text_ += bytes;
      changed_.notify_all();
    };
  }
  bool wait_for(const std::string& text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return text_.find(text) != std::string::npos; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::string text_;
};

class Spawned : public Started<PythonSandbox> {};

TEST_F(Spawned, TalksBothWays) {
  Heard heard;
  SpawnOptions options;
  options.command.on_output = heard.callback();
  auto process = sandbox_.command().spawn("cat", {}, options);
  ASSERT_TRUE(process) << why(process);
  ASSERT_TRUE(process->write_stdin("one\n"));
  EXPECT_TRUE(heard.wait_for("one\n"));
  ASSERT_TRUE(process->write_stdin("two\n"));
  EXPECT_TRUE(heard.wait_for("two\n"));
  ASSERT_TRUE(process->close_stdin());
  const auto end = process->wait();
  ASSERT_TRUE(end) << why(end);
  EXPECT_EQ(end->exit_code(), 0);
  EXPECT_EQ(end->output(), "one\ntwo");
}

TEST_F(Spawned, WhatDoesNotExistIsKnownAtOnce) {
  const auto process = sandbox_.command().spawn("nonesuch");
  ASSERT_FALSE(process);
  EXPECT_TRUE(process.error().is(ErrorCode::kNotFound)) << why(process);
}

TEST_F(Spawned, GetsSignals) {
  Heard heard;
  SpawnOptions options;
  options.command.on_output = heard.callback();
  auto process = sandbox_.command().spawn(
      "bash", {"-c", "trap 'echo got it; exit 5' USR1; echo ready; while :; do sleep 0.05; done"},
      options);
  ASSERT_TRUE(process) << why(process);
  ASSERT_TRUE(heard.wait_for("ready"));
  ASSERT_TRUE(process->signal(10));
  EXPECT_EQ(process->wait()->exit_code(), 5);
}

TEST_F(Spawned, ATerminalIsOneAndIsResized) {
  Heard heard;
  SpawnOptions options;
  options.terminal = SpawnOptions::Terminal{.rows = 30, .columns = 100};
  options.command.on_output = heard.callback();
  auto process = sandbox_.command().spawn("bash", {"--norc", "-i"}, options);
  ASSERT_TRUE(process) << why(process);
  ASSERT_TRUE(process->write_stdin("tty && stty size\n"));
  EXPECT_TRUE(heard.wait_for("30 100"));
  ASSERT_TRUE(process->resize(40, 120));
  ASSERT_TRUE(process->write_stdin("stty size\n"));
  EXPECT_TRUE(heard.wait_for("40 120"));
  ASSERT_TRUE(process->write_stdin("exit 6\n"));
  EXPECT_EQ(process->wait()->exit_code(), 6);
}

TEST_F(Spawned, IsKilledWithItsObject) {
  {
    auto process = sandbox_.command().spawn("sleep", {"600"});
    ASSERT_TRUE(process) << why(process);
    EXPECT_EQ(shell("pgrep -c sleep"), "1");
  }
  EXPECT_EQ(shell("pgrep -c sleep"), "0");
}

TEST_F(Spawned, WritingToWhatHasEndedIsAnError) {
  auto process = sandbox_.command().spawn("true");
  ASSERT_TRUE(process) << why(process);
  EXPECT_TRUE(eventually([&] { return !process->write_stdin("x"); }));
  EXPECT_TRUE(process->wait());
  EXPECT_FALSE(process->wait());
}

TEST_F(Spawned, WaitHearsOfTheSandboxesEnd) {
  auto process = sandbox_.command().spawn("sleep", {"600"});
  ASSERT_TRUE(process) << why(process);
  ASSERT_TRUE(sandbox_.stop());
  const auto end = process->wait();
  ASSERT_FALSE(end);
  EXPECT_TRUE(end.error().is(ErrorCode::kSandboxGone)) << why(end);
}

TEST_F(Spawned, InputThatIsNotReadMakesTheWriterWait) {
  auto process = sandbox_.command().spawn("sh", {"-c", "sleep 0.2; wc -c"});
  ASSERT_TRUE(process) << why(process);
  const std::string block(1'000'000, 'b');
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(process->write_stdin(block));
  }
  ASSERT_TRUE(process->close_stdin());
  EXPECT_EQ(process->wait()->output(), "10000000");
}

}  // namespace
}  // namespace msb::contract
