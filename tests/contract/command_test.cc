// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

using namespace std::chrono_literals;

class Command : public Started<PythonSandbox> {
 protected:
  Result<CommandExecution> run(const std::string& script, const CommandOptions& options = {}) {
    return sandbox_.command().run("sh", {"-c", script}, options);
  }
};

TEST_F(Command, GivesArgumentsAsTheyAre) {
  const auto run = sandbox_.command().run("printf", {"%s|", "a b", "$HOME", "*", ""});
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->output(), "a b|$HOME|*||");
  EXPECT_EQ(run->command(), "printf");
  EXPECT_EQ(run->args().size(), 5u);
}

TEST_F(Command, ANonZeroExitIsAResult) {
  const auto run = this->run("echo out; echo err >&2; exit 7");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->exit_code(), 7);
  EXPECT_FALSE(run->is_success());
  EXPECT_EQ(run->output(), "out");
  EXPECT_EQ(run->error(), "err");
}

TEST_F(Command, ASignalIsReported) {
  const auto run = this->run("kill -TERM $$");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->exit_code(), 128 + 15);
  EXPECT_EQ(run->signal(), 15);
}

TEST_F(Command, WhatCannotBeExecutedIsAnError) {
  const auto missing = sandbox_.command().run("nonesuch");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(ErrorCode::kNotFound)) << why(missing);
  EXPECT_TRUE(missing.error().is(ErrorCode::kFailedToRunCommand));
  const auto denied = sandbox_.command().run("/etc/passwd");
  ASSERT_FALSE(denied);
  EXPECT_TRUE(denied.error().is(ErrorCode::kPermissionDenied)) << why(denied);
}

TEST_F(Command, StdinIsClosedUnlessGiven) {
  EXPECT_EQ(run("cat")->output(), "");
  CommandOptions options;
  options.stdin_bytes = std::string(3'000'000, 'z');
  EXPECT_EQ(run("wc -c", options)->output(), "3000000");
}

TEST_F(Command, InputThatNobodyReadsDoesNotHang) {
  CommandOptions options;
  options.stdin_bytes = std::string(5'000'000, 'z');
  const auto run = this->run("exit 4", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->exit_code(), 4);
}

TEST_F(Command, InputAndOutputFlowAtTheSameTime) {
  CommandOptions options;
  options.stdin_bytes = std::string(8'000'000, 'q');
  const auto run = this->run("cat", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_TRUE(run->output() == options.stdin_bytes);
}

TEST_F(Command, FolderVariablesAndUserAreItsOwn) {
  CommandOptions options;
  options.workdir = "/tmp";
  options.envs = {"A=1"};
  options.user = "0:0";
  EXPECT_EQ(run("pwd; echo $A; id -u", options)->output(), "/tmp\n1\n0");
  EXPECT_EQ(run("id -u")->output(), "1000");
}

TEST_F(Command, ATimeoutKillsTheWholeGroup) {
  CommandOptions options;
  options.timeout = 200ms;
  const auto run = this->run("sleep 600 & sleep 600", options);
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kTimeout)) << why(run);
  EXPECT_EQ(exit_status(run.error().cause()), 124);
  EXPECT_EQ(shell("pgrep -c sleep"), "0");
}

TEST_F(Command, TheExitIsReportedWhileABackgroundChildHoldsThePipe) {
  CommandOptions options;
  options.timeout = 20s;
  const auto run = this->run("sleep 600 & echo started", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->output(), "started");
}

TEST_F(Command, CanBeCancelled) {
  std::stop_source stop;
  CommandOptions options;
  options.stop = stop.get_token();
  options.on_output = [&](Stream, std::string_view) { stop.request_stop(); };
  const auto run = this->run("echo in; sleep 600", options);
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kCancelled)) << why(run);
}

TEST_F(Command, AGigabyteOfOutputPassesWithoutBeingKept) {
  std::uint64_t seen = 0;
  CommandOptions options;
  options.on_output = [&](Stream, std::string_view bytes) { seen += bytes.size(); };
  const int size_bytes = much(1'000'000'000);
  const auto run = this->run("head -c " + std::to_string(size_bytes) + " /dev/zero", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(seen, static_cast<std::uint64_t>(size_bytes));
  EXPECT_TRUE(run->truncated());
}

TEST_F(Command, BadRequestsAreRefusedByName) {
  EXPECT_TRUE(sandbox_.command().run("").error().is(ErrorCode::kInvalidArgument));
  EXPECT_TRUE(sandbox_.command()
                  .run("echo", {std::string("a\0b", 3)})
                  .error()
                  .is(ErrorCode::kInvalidArgument));
  CommandOptions options;
  options.envs = {"NOVALUE"};
  const auto run = sandbox_.command().run("true", {}, options);
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kInvalidArgument)) << why(run);
  EXPECT_TRUE(run.error().message().starts_with("failed to run command: ")) << why(run);
  EXPECT_TRUE(run.error().message().contains("envs[0] 'NOVALUE': must be KEY=VALUE")) << why(run);
}

TEST_F(Command, JsonHasItsFields) {
  const auto run = sandbox_.command().run("echo", {"hi"});
  ASSERT_TRUE(run);
  EXPECT_TRUE(
      run->to_json().starts_with(R"({"command":"echo","args":["hi"],"exit_code":0,"success":true,)"
                                 R"("output":[{"stream":"stdout","text":"hi"}])"))
      << run->to_json();
}

}  // namespace
}  // namespace msb::contract
