// SPDX-License-Identifier: Apache-2.0
//
// Node.js runs through the real agent: how they end, and what is kept.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "agent/testing/agent_test.h"

namespace msb::agent {
namespace {

using testing::Received;
using Status = wire::ReplDone::Status;

class Node : public testing::AgentTest {};

TEST_F(Node, KeepsStateAndEchoes) {
  EXPECT_EQ(node("const a = 2").out, "");
  const Received& got = node("a ** 10");
  EXPECT_EQ(got.out, "1024\n");
  EXPECT_EQ(got.done->status, Status::kSuccess);
}

TEST_F(Node, KeepsStdoutAndStderrApart) {
  const Received& got = node("console.log('out'); console.error('err')");
  EXPECT_EQ(got.out, "out\n");
  EXPECT_EQ(got.err, "err\n");
}

TEST_F(Node, ReportsAnUncaughtErrorAndKeepsTheState) {
  node("let x = 1");
  EXPECT_EQ(node("throw new Error('boo')").done->status, Status::kException);
  EXPECT_EQ(node("x").out, "1\n");
}

TEST_F(Node, AwaitsAtTheTopLevel) {
  EXPECT_EQ(node("await new Promise(r => setTimeout(() => r('late'), 20))").out, "'late'\n");
}

TEST_F(Node, AdoptsVariablesWhileItIsWarm) {
  ASSERT_TRUE(agent_->finish(agent_->practise(wire::Language::kNode)).done);
  const std::uint32_t adopted = agent_->new_stream();
  agent_->send(
      adopted,
      wire::Adopt{{.env = {"PATH=/usr/bin:/bin", "WHO=tenant"}, .workdir = "/", .user = {}}});
  const Received& got = node(
      "console.log(process.cwd(), process.env.WHO, "
      "require('child_process').execSync('echo $WHO').toString().trim(), typeof _)");
  EXPECT_TRUE((*agent_)[adopted].plain_done);
  EXPECT_EQ(got.out, "/ tenant tenant undefined\n");
}

TEST_F(Node, IsStartedAnewInAnotherFolder) {
  ASSERT_TRUE(agent_->finish(agent_->practise(wire::Language::kNode)).done);
  const std::uint32_t adopted = agent_->new_stream();
  agent_->send(adopted,
               wire::Adopt{{.env = {"PATH=/usr/bin:/bin"}, .workdir = "/tmp", .user = {}}});
  EXPECT_TRUE(agent_->finish(adopted).plain_done);
  EXPECT_EQ(node("process.cwd()").out, "'/tmp'\n");
}

TEST_F(Node, LosesNoTrailingOutput) {
  for (int i = 0; i < 30; ++i) {
    const Received& got = node("process.stdout.write('x'.repeat(200000)); undefined");
    ASSERT_EQ(got.out, std::string(200'000, 'x'));
  }
}

TEST_F(Node, LateOutputOfATimerCrossesIntoNoOtherRun) {
  node("let timer = setTimeout(() => { console.log('late'); timer = null }, 1)");
  const Received& got = node("1");
  EXPECT_TRUE(got.out == "1\n" || got.out == "late\n1\n") << got.out;
  EXPECT_EQ(node("while (timer) await new Promise(r => setTimeout(r, 1)); 0").out.back(), '\n');
  EXPECT_EQ(node("2").out, "2\n");
}

TEST_F(Node, AnswersARunThatExitsAndStartsAgain) {
  node("globalThis.x = 1");
  const Received& got = node("console.log('bye'); process.exit(4)");
  EXPECT_EQ(got.out, "bye\n");
  EXPECT_EQ(got.done->status, Status::kExit);
  EXPECT_EQ(got.done->code, 4);
  EXPECT_TRUE(got.done->state_lost);
  EXPECT_EQ(node("typeof x").out, "'undefined'\n");
}

TEST_F(Node, AnswersARunThatCrashesAndStartsAgain) {
  const Received& got = node("process.kill(process.pid, 'SIGKILL'); while (true);");
  EXPECT_EQ(got.done->status, Status::kDied);
  EXPECT_EQ(got.done->code, SIGKILL);
  EXPECT_EQ(node("1").out, "1\n");
}

TEST_F(Node, EndsATimedOutLoop) {
  const Received& got = node("console.log('begun'); while (true);", 300);
  EXPECT_EQ(got.done->status, Status::kTimeout);
  EXPECT_EQ(got.out, "begun\n");
  EXPECT_EQ(node("1").out, "1\n");
}

TEST_F(Node, GoesOnWithoutItsOutput) {
  node("require('fs').closeSync(1)");
  EXPECT_TRUE(node("1").done);
  EXPECT_EQ(node("console.error('still')").err, "still\n");
}

TEST_F(Node, PrintsMuch) {
  EXPECT_EQ(node("console.log('x'.repeat(20000000))").out_bytes, 20'000'001u);
}

}  // namespace
}  // namespace msb::agent
