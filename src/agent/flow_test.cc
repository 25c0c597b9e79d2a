// SPDX-License-Identifier: Apache-2.0
//
// Volume: much output in little memory, and nobody held up by another stream.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "agent/testing/agent_test.h"

namespace msb::agent {
namespace {

using testing::Received;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::size_t kMaxAgentKib = 256 * 1024;  // shadow memory and quarantine
constexpr std::size_t kMaxIdleKib = 128 * 1024;
#else
constexpr std::size_t kMaxAgentKib = 8 * 1024;
constexpr std::size_t kMaxIdleKib = 512;
#endif

class Flow : public testing::AgentTest {
 protected:
  std::size_t agent_peak_kib() { return testing::proc_kib(agent_->pid(), "status", "VmHWM"); }
  // A stream that prints without end, and whose host takes nothing.
  std::uint32_t throttled() {
    const std::uint32_t stream = agent_->shell("yes");
    (*agent_)[stream].grant = false;
    EXPECT_TRUE(
        agent_->wait([&] { return (*agent_)[stream].out_bytes == wire::kInitialCreditBytes; }));
    return stream;
  }
};

TEST_F(Flow, CarriesMuchOutputInLittleMemory) {
  constexpr std::uint64_t kBytes = 300'000'000;
  const std::uint32_t stream = agent_->shell("head -c 300000000 /dev/zero");
  (*agent_)[stream].keep_text = false;
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.out_bytes, kBytes);
  EXPECT_LT(agent_peak_kib(), kMaxAgentKib);
}

TEST_F(Flow, CarriesALongLine) {
  const Received& got = run("head -c 50000000 /dev/zero | tr '\\0' x");
  EXPECT_EQ(got.out.size(), 50'000'000u);
  EXPECT_EQ(got.out.find_first_not_of('x'), std::string::npos);
}

TEST_F(Flow, CarriesManyShortLines) {
  const Received& got = run("seq 100000");
  EXPECT_EQ(std::count(got.out.begin(), got.out.end(), '\n'), 100'000);
  EXPECT_TRUE(got.out.ends_with("\n99999\n100000\n"));
}

TEST_F(Flow, SendsOutputLongBeforeTheEnd) {
  const std::uint32_t stream = agent_->shell("echo first; sleep 0.1; echo second; sleep 60");
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[stream].out == "first\nsecond\n"; }));
  EXPECT_FALSE((*agent_)[stream].closed());
}

TEST_F(Flow, CarriesOutputInFitsAndStarts) {
  const Received& got =
      run("for i in 1 2 3; do head -c 500000 /dev/zero; sleep 0.01; echo -n x; sleep 0.01; done");
  EXPECT_EQ(got.out.size(), 1'500'003u);
  EXPECT_EQ(std::count(got.out.begin(), got.out.end(), 'x'), 3);
}

TEST_F(Flow, KeepsTheOrderWithinEachOutput) {
  const Received& got = run("for i in $(seq 1000); do echo o$i; echo e$i >&2; done");
  std::string out;
  std::string err;
  for (int i = 1; i <= 1000; ++i) {
    out += "o" + std::to_string(i) + "\n";
    err += "e" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(got.out, out);
  EXPECT_EQ(got.err, err);
}

TEST_F(Flow, SendsNoMoreThanTheHostHasGranted) {
  const std::uint32_t stream = throttled();
  ASSERT_TRUE(agent_->ping());
  EXPECT_EQ((*agent_)[stream].out_bytes, wire::kInitialCreditBytes);
  agent_->send(stream, wire::Credit{1000});
  ASSERT_TRUE(agent_->wait(
      [&] { return (*agent_)[stream].out_bytes == wire::kInitialCreditBytes + 1000; }));
  ASSERT_TRUE(agent_->ping());
  EXPECT_EQ((*agent_)[stream].out_bytes, wire::kInitialCreditBytes + 1000);
}

TEST_F(Flow, AThrottledStreamHoldsUpNoOther) {
  const std::uint32_t slow = throttled();
  EXPECT_EQ(run("echo fine").out, "fine\n");
  EXPECT_EQ(python("print('fine')").out, "fine\n");
  EXPECT_EQ(run("head -c 5000000 /dev/zero").out_bytes, 5'000'000u);
  EXPECT_FALSE((*agent_)[slow].closed());
}

TEST_F(Flow, AThrottledReplRunHoldsUpNoOther) {
  const std::uint32_t slow =
      agent_->repl(wire::Language::kNode, "process.stdout.write('x'.repeat(1100000))");
  (*agent_)[slow].grant = false;
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[slow].out_bytes == wire::kInitialCreditBytes; }));
  EXPECT_EQ(node("1 + 1").out, "2\n") << "the next run of the same language";
  agent_->release_credit(slow);
  EXPECT_EQ(agent_->finish(slow).out_bytes, 1'100'005u + 0u) << "and the echo: true";
}

TEST_F(Flow, ControlPassesBulk) {
  const std::uint32_t bulk = agent_->shell("yes");
  (*agent_)[bulk].keep_text = false;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(agent_->ping());
  }
  EXPECT_FALSE((*agent_)[bulk].closed());
  agent_->cancel(bulk);
  EXPECT_TRUE(agent_->finish(bulk).exited);
}

TEST_F(Flow, SharesTheStreamAmongMany) {
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 10; ++i) {
    streams.push_back(agent_->shell("yes"));
    (*agent_)[streams.back()].keep_text = false;
  }
  EXPECT_TRUE(agent_->wait([&] {
    return std::ranges::all_of(
        streams, [&](std::uint32_t stream) { return (*agent_)[stream].out_bytes > 5'000'000; });
  }));
  EXPECT_LT(agent_peak_kib(), kMaxAgentKib);
}

TEST_F(Flow, SurvivesAHostThatDoesNotRead) {
  for (int i = 0; i < 20; ++i) {
    (*agent_)[agent_->shell("yes")].keep_text = false;
  }
  // More questions than the agent may queue answers to; it stops reading, and goes on when we do.
  std::vector<std::byte> pings;
  for (int i = 0; i < 100'000; ++i) {
    wire::append_frame(pings, 0, wire::FrameType::kPing, {});
  }
  agent_->send_raw(pings);
  EXPECT_TRUE(agent_->ping());
  EXPECT_LT(agent_peak_kib(), kMaxAgentKib);
}

TEST_F(Flow, EchoesMuchInputUnderCredit) {
  wire::Exec request = command({"cat"});
  request.flags = wire::Exec::kStdin;
  const std::uint32_t stream = agent_->exec(request);
  std::string text;
  for (int i = 0; text.size() < 20'000'000; ++i) {
    text += std::to_string(i) + "\n";
  }
  agent_->send_data(stream, text);
  agent_->end(stream);
  const Received& got = agent_->finish(stream);
  const auto [where, expected] = std::ranges::mismatch(got.out, text);
  EXPECT_TRUE(got.out == text) << got.out.size() << " of " << text.size() << " bytes, differs at "
                               << where - got.out.begin();
  EXPECT_LT(agent_peak_kib(), kMaxAgentKib);
}

TEST_F(Flow, GrantsNoCreditForInputThatIsNotRead) {
  wire::Exec request = command({"sleep", "1000"});
  request.flags = wire::Exec::kStdin;
  const std::uint32_t stream = agent_->exec(request);
  std::uint64_t sent = 0;
  Received& state = (*agent_)[stream];
  while (state.credit > 0) {
    const std::size_t size = std::min<std::uint64_t>(state.credit, wire::kMaxPayloadBytes);
    agent_->send(stream, wire::FrameType::kData, std::vector<std::byte>(size));
    state.credit -= size;
    sent += size;
    ASSERT_TRUE(agent_->ping());
  }
  EXPECT_LE(sent, wire::kInitialCreditBytes + 256 * 1024);
  agent_->cancel(stream);
  EXPECT_TRUE(agent_->finish(stream).exited);
}

TEST_F(Flow, NeedsLittleMemoryWhenIdle) {
  run("true");
  // Its own memory; the program's pages are shared among all agents of a host.
  const std::size_t own_kib = testing::proc_kib(agent_->pid(), "smaps_rollup", "Anonymous");
  EXPECT_GT(own_kib, 0u);
  EXPECT_LT(own_kib, kMaxIdleKib);
}

}  // namespace
}  // namespace msb::agent
