// SPDX-License-Identifier: Apache-2.0
//
// Commands, against the real agent and real programs.
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/testing/agent_client.h"

namespace msb::agent {
namespace {

using testing::AgentClient;
using testing::ClientOptions;
using testing::Received;
using Ended = wire::Exited::Ended;
using Cause = wire::Exited::Cause;

class Exec : public ::testing::Test {
 protected:
  void SetUp() override { restart({}); }

  void restart(const ClientOptions& options) {
    auto client = AgentClient::start(options);
    ASSERT_TRUE(client) << client.error().message();
    agent_ = *std::move(client);
  }

  Received& run(const std::string& script) { return agent_->finish(agent_->shell(script)); }
  Received& run(const wire::Exec& request) { return agent_->finish(agent_->exec(request)); }

  std::unique_ptr<AgentClient> agent_;
};

TEST_F(Exec, KeepsStdoutAndStderrApart) {
  const Received& got = run("echo out; echo err >&2; echo more");
  ASSERT_TRUE(got.exited);
  EXPECT_EQ(got.out, "out\nmore\n");
  EXPECT_EQ(got.err, "err\n");
  EXPECT_EQ(got.exited->cause, Cause::kExit);
  EXPECT_EQ(got.exited->code, 0);
  EXPECT_EQ(got.exited->ended, Ended::kByItself);
}

TEST_F(Exec, StartsBeforeItEnds) {
  const Received& got = run("exit 0");
  EXPECT_EQ(got.order, (std::vector{wire::FrameType::kStarted, wire::FrameType::kExited}));
}

}  // namespace
}  // namespace msb::agent
