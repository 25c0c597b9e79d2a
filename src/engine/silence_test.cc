// SPDX-License-Identifier: Apache-2.0
//
// The moment in which nothing is under way between a session and its agent.
#include <gtest/gtest.h>
#include <poll.h>

#include <chrono>
#include <future>
#include <string>

#include "engine/session.h"
#include "engine/testing/fake_agent.h"

namespace msb::engine {
namespace {

using testing::FakeAgent;
using wire::FrameType;

class SilenceTest : public ::testing::Test {
 protected:
  void SetUp() override { agent_.have_greeted(); }

  std::future<Result<CodeEnd>> run_code(const std::string& code) {
    return std::async(std::launch::async, [this, code] {
      CodeRequest request;
      request.code = code;
      return session_->run_code(request, [](Channel, std::string_view) {});
    });
  }
  std::future<Result<CommandEnd>> run_command(const CommandRequest& request) {
    return std::async(std::launch::async, [this, request] {
      return session_->run_command(request, [](Channel, std::string_view) {});
    });
  }

  std::unique_ptr<IoLoop> loop_ = *IoLoop::start();
  FakeAgent agent_{*loop_};
  std::shared_ptr<Session> session_ = agent_.session();
};

TEST_F(SilenceTest, FallsSilentWithItsAgentAndGoesOn) {
  const auto wait = [] { return AgentLink::Clock::now() + std::chrono::seconds(10); };
  auto silence = std::async(std::launch::async, [&] { return agent_.link()->fall_silent(wait()); });
  ASSERT_TRUE(agent_.receive(FrameType::kRest));
  agent_.send(0, FrameType::kResting);
  const auto silent = silence.get();
  ASSERT_TRUE(silent) << silent.error().message();

  // What is said meanwhile is heard afterwards, in its order.
  CommandRequest request;
  request.argv = {"true"};
  auto run = run_command(request);
  std::vector<std::byte> ping;
  wire::append_frame(ping, 0, FrameType::kPing, {});
  pollfd heard{.fd = agent_.socket(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&heard, 1, 200), 0);
  agent_.link()->go_on();
  EXPECT_EQ(agent_.receive().type, FrameType::kGoOn);
  const auto exec = agent_.receive(FrameType::kExec);
  ASSERT_TRUE(exec);
  agent_.send(exec.stream, wire::Started{1});
  agent_.send(exec.stream, wire::Exited{});
  EXPECT_TRUE(run.get());
}

TEST_F(SilenceTest, AnAgentThatDoesNotFallSilentIsLetGoOn) {
  const auto silent =
      agent_.link()->fall_silent(AgentLink::Clock::now() + std::chrono::milliseconds(50));
  ASSERT_FALSE(silent);
  EXPECT_TRUE(silent.error().is(ErrorCode::kUnavailable));
  ASSERT_TRUE(agent_.receive(FrameType::kRest));
  EXPECT_EQ(agent_.receive().type, FrameType::kGoOn);
  agent_.send(0, FrameType::kResting);  // too late, and no harm
  auto run = run_code("1");
  const auto repl = agent_.receive(FrameType::kRepl);
  ASSERT_TRUE(repl);
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(run.get());
}

TEST_F(SilenceTest, ARestThatNobodyAskedForBreaksTheProtocol) {
  auto run = run_code("1");
  ASSERT_TRUE(agent_.receive(FrameType::kRepl));
  agent_.send(0, FrameType::kResting);
  const auto result = run.get();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorCode::kSandboxGone)) << result.error().message();
}

TEST_F(SilenceTest, HoldWaitsForRunsAndHoldsTheNext) {
  auto run = run_code("1");
  const auto repl = agent_.receive(FrameType::kRepl);
  ASSERT_TRUE(repl);
  std::stop_source stop;
  auto held =
      std::async(std::launch::async, [&] { return session_->hold(stop.get_token()).has_value(); });
  EXPECT_EQ(held.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(run.get());
  EXPECT_TRUE(held.get());
}

}  // namespace
}  // namespace msb::engine
