// SPDX-License-Identifier: Apache-2.0
//
// The fixture of the tests that talk to a real agent.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/testing/agent_client.h"

namespace msb::agent::testing {

// Descriptors the process has open.
std::size_t open_descriptors(pid_t pid);

class AgentTest : public ::testing::Test {
 protected:
  void SetUp() override { restart({}); }
  void TearDown() override { agent_.reset(); }

  void restart(const ClientOptions& options) {
    agent_.reset();
    auto client = AgentClient::start(options);
    ASSERT_TRUE(client) << client.error().message();
    agent_ = *std::move(client);
  }

  static wire::Exec command(std::vector<std::string> argv) {
    wire::Exec request;
    request.argv = std::move(argv);
    return request;
  }
  Received& run(const wire::Exec& request) { return agent_->finish(agent_->exec(request)); }
  Received& run(const std::string& script, std::uint64_t timeout_ms = 0) {
    return agent_->finish(agent_->shell(script, timeout_ms));
  }
  Received& python(std::string_view code, std::uint64_t timeout_ms = 0) {
    return agent_->finish(agent_->repl(wire::Language::kPython, code, timeout_ms));
  }
  Received& node(std::string_view code, std::uint64_t timeout_ms = 0) {
    return agent_->finish(agent_->repl(wire::Language::kNode, code, timeout_ms));
  }
  // Descriptors the agent has open when it has put away every stream whose end it has told: it
  // answers a ping in a later turn.
  std::size_t agent_descriptors() {
    EXPECT_TRUE(agent_->ping());
    return open_descriptors(agent_->pid());
  }

  std::unique_ptr<AgentClient> agent_;
};

// A number of "Name:   123 kB" in /proc/<pid>/<file>; 0 if it is not there.
std::size_t proc_kib(pid_t pid, const std::string& file, const std::string& name);
// True once no process has `pid` (a zombie counts as none); waits for it.
bool wait_until_gone(pid_t pid);

}  // namespace msb::agent::testing
