// SPDX-License-Identifier: Apache-2.0
#include "engine/session.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <future>
#include <string>

#include "base/bytes.h"
#include "engine/greeting.h"
#include "engine/testing/fake_agent.h"

namespace msb::engine {
namespace {

using testing::FakeAgent;
using wire::FrameType;

class GreetingTest : public ::testing::Test {
 protected:
  struct Output {
    std::string out;
    std::string err;
  };
  struct CodeResult {
    Result<CodeEnd> end;
    Output output;
  };
  struct CommandResult {
    Result<CommandEnd> end;
    Output output;
  };

  static OutputSink collect(Output& output) {
    return [&output](Channel channel, std::string_view bytes) {
      (channel == Channel::kStdout ? output.out : output.err).append(bytes);
    };
  }

  std::future<CodeResult> run_code(const std::string& code, std::stop_token stop = {},
                                   std::chrono::milliseconds timeout = {}) {
    return std::async(std::launch::async, [=, this] {
      Output output;
      CodeRequest request;
      request.code = code;
      request.stop = stop;
      request.timeout = timeout;
      auto end = session_->run_code(request, collect(output));
      return CodeResult{std::move(end), std::move(output)};
    });
  }

  std::future<CommandResult> run_command(const CommandRequest& request) {
    return std::async(std::launch::async, [=, this] {
      Output output;
      auto end = session_->run_command(request, collect(output));
      return CommandResult{std::move(end), std::move(output)};
    });
  }

  std::unique_ptr<IoLoop> loop_ = *IoLoop::start();
  FakeAgent agent_{*loop_};
  std::shared_ptr<Session> session_ = agent_.session();
};

class SessionTest : public GreetingTest {
 protected:
  void SetUp() override { agent_.have_greeted(); }
};

TEST_F(GreetingTest, GreetsWithEverythingAtOnceAndWaitsForTheFiles) {
  Greeting greeting;
  greeting.configuration.user = "someone";
  greeting.warm = {wire::Language::kPython};
  greeting.files = {{.path = "/a", .content = "x", .mode = 0755}};
  auto greeted = std::async(std::launch::async, [&] {
    return greet(*agent_.link(), testing::kInstanceId, greeting, {});
  });
  // All of it comes without a word from us.
  ASSERT_EQ(agent_.receive().type, FrameType::kHello);
  const auto configure = agent_.receive();
  ASSERT_EQ(configure.type, FrameType::kConfigure);
  EXPECT_EQ(wire::Configure::decode(configure.payload)->user, "someone");
  ASSERT_EQ(agent_.receive().type, FrameType::kWarmRepl);
  const auto file = agent_.receive();
  ASSERT_EQ(file.type, FrameType::kWriteFile);
  agent_.send(0, wire::HelloReply{.instance_id = testing::kInstanceId});
  agent_.send(file.stream, FrameType::kDone);
  EXPECT_TRUE(greeted.get().has_value());
}

TEST_F(GreetingTest, AFileThatCannotBeWrittenFailsTheGreetingByName) {
  Greeting greeting;
  greeting.files = {{.path = "/scripts/a", .content = "x"}};
  auto greeted = std::async(std::launch::async, [&] {
    return greet(*agent_.link(), testing::kInstanceId, greeting, {});
  });
  agent_.greet();
  const auto file = agent_.receive(FrameType::kWriteFile);
  agent_.send(file.stream, wire::Failed{.code = ErrorCode::kDiskFull, .text = "open: no space"});
  const auto result = greeted.get();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorCode::kDiskFull));
  EXPECT_EQ(result.error().message(), "write /scripts/a: open: no space");
}

TEST_F(GreetingTest, AnotherInstancesHelloIsRefused) {
  auto greeted = std::async(std::launch::async,
                            [&] { return greet(*agent_.link(), testing::kInstanceId, {}, {}); });
  (void)agent_.receive(FrameType::kHello);
  agent_.send(0, wire::HelloReply{.instance_id = "ffffffffffffffff"});
  const auto result = greeted.get();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorCode::kCorrupt)) << result.error().message();
}

TEST_F(GreetingTest, AnAgentThatTalksButDoesNotGreetIsCutOffAtOnce) {
  for (const std::uint32_t stream : {0u, 1u}) {
    FakeAgent agent(*loop_);
    auto greeted = std::async(std::launch::async,
                              [&] { return greet(*agent.link(), testing::kInstanceId, {}, {}); });
    ASSERT_TRUE(agent.receive(FrameType::kHello));
    agent.send(stream, FrameType::kPong);
    const auto result = greeted.get();
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().message(),
              "the agent broke the protocol: a frame before the answer to hello");
  }
}

TEST_F(GreetingTest, AStartCanBeCancelledWhileTheAgentIsSilent) {
  std::stop_source stop;
  auto greeted = std::async(std::launch::async, [&] {
    return greet(*agent_.link(), testing::kInstanceId, {}, stop.get_token());
  });
  (void)agent_.receive(FrameType::kHello);
  stop.request_stop();
  const auto result = greeted.get();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().is(ErrorCode::kCancelled));
}

TEST_F(SessionTest, CodeRunsWithOutputInOrderAndApart) {
  auto run = run_code("print(1)");
  const auto repl = agent_.receive();
  ASSERT_EQ(repl.type, FrameType::kRepl);
  EXPECT_EQ(base::text_of(agent_.receive(FrameType::kReplCode).payload), "print(1)");
  ASSERT_EQ(agent_.receive().type, FrameType::kEnd);
  agent_.send(repl.stream, FrameType::kStdout, "a");
  agent_.send(repl.stream, FrameType::kStderr, "b");
  agent_.send(repl.stream, FrameType::kStdout, "c\n");
  agent_.send(repl.stream, wire::ReplDone{});
  const CodeResult result = run.get();
  ASSERT_TRUE(result.end) << result.end.error().message();
  EXPECT_EQ(result.end->status, wire::ReplDone::Status::kSuccess);
  EXPECT_EQ(result.output.out, "ac\n");
  EXPECT_EQ(result.output.err, "b");
}

TEST_F(SessionTest, LargeCodeArrivesWhole) {
  const std::string code(3'000'000, 'x');
  auto run = run_code(code);
  const auto repl = agent_.receive(FrameType::kRepl);
  std::string arrived;
  for (;;) {
    const auto frame = agent_.receive();
    ASSERT_TRUE(frame);
    if (frame.type == FrameType::kEnd) {
      break;
    }
    arrived += base::text_of(frame.payload);
  }
  EXPECT_EQ(arrived, code);
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(run.get().end);
}

TEST_F(SessionTest, RunsOfOneLanguageReachTheAgentOneAfterTheOther) {
  auto first = run_code("1");
  const auto repl = agent_.receive(FrameType::kRepl);
  auto second = run_code("2");
  agent_.send(repl.stream, FrameType::kStdout, "one");
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_EQ(first.get().output.out, "one");
  const auto next = agent_.receive(FrameType::kRepl);
  ASSERT_TRUE(next);
  agent_.send(next.stream, wire::ReplDone{});
  EXPECT_TRUE(second.get().end);
}

TEST_F(SessionTest, ACancelledRunThatWaitsWasNeverBegun) {
  auto first = run_code("1");
  const auto repl = agent_.receive(FrameType::kRepl);
  const std::stop_source stop;
  auto second = run_code("2", stop.get_token());
  stop.request_stop();
  const CodeResult result = second.get();
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kCancelled));
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(first.get().end);
}

TEST_F(SessionTest, WhatIsCancelledWhileTheAgentRestsIsNotWaitedFor) {
  const std::stop_source stop;
  auto first = run_code("1", stop.get_token());
  const auto repl = agent_.receive(FrameType::kRepl);
  agent_.link()->begin_rest();
  stop.request_stop();
  const CodeResult result = first.get();  // without a word of the agent's
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kCancelled)) << result.end.error().message();
  agent_.link()->end_rest();
  EXPECT_GT(agent_.link()->rested().count(), 0);
  // The next one is not disturbed by the end that is still to come.
  auto second = run_code("2");
  const auto next = agent_.receive(FrameType::kRepl);
  agent_.send(repl.stream, wire::ReplDone{.status = wire::ReplDone::Status::kCancelled});
  agent_.send(next.stream, wire::ReplDone{});
  EXPECT_TRUE(second.get().end);
}

TEST_F(SessionTest, ARunThatWaitsReceivesForOthersToo) {
  auto first = run_code("input()");
  const auto repl = agent_.receive(FrameType::kRepl);
  CommandRequest request;
  request.argv = {"true"};
  auto second = run_command(request);
  const auto exec = agent_.receive(FrameType::kExec);
  agent_.send(exec.stream, wire::Started{});
  agent_.send(exec.stream, wire::Exited{});
  EXPECT_TRUE(second.get().end);
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(first.get().end);
}

TEST_F(SessionTest, ASinkThatDoesNotReturnHoldsUpNoOtherRun) {
  std::promise<void> reached;
  std::promise<void> released;
  auto first = std::async(std::launch::async, [&] {
    CommandRequest request;
    request.argv = {"yes"};
    request.wake = Call::Wake::kPrompt;
    return session_->run_command(request, [&](Channel, std::string_view) {
      reached.set_value();
      released.get_future().wait();
    });
  });
  const auto exec = agent_.receive(FrameType::kExec);
  agent_.send(exec.stream, wire::Started{});
  agent_.send(exec.stream, FrameType::kStdout, "y");
  reached.get_future().wait();
  auto second = run_code("1");
  const auto repl = agent_.receive(FrameType::kRepl);
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(second.get().end);
  agent_.send(exec.stream, wire::Exited{});
  released.set_value();
  EXPECT_TRUE(first.get());
}

TEST_F(SessionTest, CancelIsAskedOfTheAgent) {
  const std::stop_source stop;
  auto run = run_code("while True: pass", stop.get_token());
  const auto repl = agent_.receive(FrameType::kRepl);
  (void)agent_.receive(FrameType::kEnd);
  stop.request_stop();
  ASSERT_TRUE(agent_.receive(FrameType::kCancel));
  agent_.send(repl.stream, wire::ReplDone{.status = wire::ReplDone::Status::kCancelled});
  const CodeResult result = run.get();
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kCancelled));
}

TEST_F(SessionTest, HowTheInterpreterEndedIsSaidOnStderr) {
  using Status = wire::ReplDone::Status;
  const struct {
    wire::ReplDone done;
    std::string line;
  } cases[] = {
      {{.status = Status::kTimeout}, "Error: Execution timed out after 1.5 seconds\n"},
      {{.status = Status::kExit, .code = 3, .state_lost = true},
       "Error: the interpreter exited with status 3; its state is gone\n"},
      {{.status = Status::kDied, .code = 9, .state_lost = true},
       "Error: the interpreter was ended by signal 9; its state is gone\n"},
  };
  for (const auto& each : cases) {
    auto run = run_code("x", {}, std::chrono::milliseconds(1500));
    const auto repl = agent_.receive(FrameType::kRepl);
    agent_.send(repl.stream, FrameType::kStderr, "half a line");
    agent_.send(repl.stream, each.done);
    const CodeResult result = run.get();
    ASSERT_TRUE(result.end);
    EXPECT_EQ(result.output.err, "half a line\n" + each.line);
  }
}

TEST_F(SessionTest, OutputBeyondTheFirstWindowNeedsCreditAndGetsIt) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  (void)agent_.receive(FrameType::kEnd);
  const std::string piece(wire::kMaxPayloadBytes, 'o');
  std::size_t credit = wire::kInitialCreditBytes;
  for (int i = 0; i < 64; ++i) {  // 16 MiB
    while (credit < piece.size()) {
      const auto frame = agent_.receive(FrameType::kCredit);
      ASSERT_TRUE(frame);
      credit += wire::Credit::decode(frame.payload)->size_bytes;
    }
    agent_.send(repl.stream, FrameType::kStdout, piece);
    credit -= piece.size();
  }
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_EQ(run.get().output.out.size(), 64 * piece.size());
}

TEST_F(SessionTest, ACommandGetsItsInputWithinCredit) {
  CommandRequest request;
  request.argv = {"cat"};
  const std::string input(3 * wire::kInitialCreditBytes, 'i');
  request.input = input;
  auto run = run_command(request);
  const auto exec = agent_.receive(FrameType::kExec);
  agent_.send(exec.stream, wire::Started{.pid = 2});
  std::size_t got = 0;
  while (got < wire::kInitialCreditBytes) {
    got += agent_.receive(FrameType::kData).payload.size();
  }
  EXPECT_EQ(got, wire::kInitialCreditBytes);
  agent_.send(exec.stream, wire::Credit{.size_bytes = 2 * wire::kInitialCreditBytes});
  while (got < input.size()) {
    got += agent_.receive(FrameType::kData).payload.size();
  }
  ASSERT_TRUE(agent_.receive(FrameType::kEnd));
  agent_.send(exec.stream, wire::Exited{.cause = wire::Exited::Cause::kSignal, .code = 9});
  const CommandResult result = run.get();
  ASSERT_TRUE(result.end);
  EXPECT_EQ(result.end->exit_code, 137);
  EXPECT_EQ(result.end->signal, 9);
}

TEST_F(SessionTest, ACommandThatCannotStartSaysWhy) {
  CommandRequest request;
  request.argv = {"nonesuch"};
  auto run = run_command(request);
  const auto exec = agent_.receive(FrameType::kExec);
  agent_.send(exec.stream,
              wire::Failed{.code = ErrorCode::kNotFound, .text = "nonesuch\x1b[2J: not found"});
  const CommandResult result = run.get();
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kNotFound));
  EXPECT_EQ(result.end.error().message(), "nonesuch?[2J: not found");
}

TEST_F(SessionTest, TheReasonOfASystemCallIsSaidOnce) {
  CommandRequest request;
  request.argv = {"x"};
  auto run = run_command(request);
  const auto exec = agent_.receive(FrameType::kExec);
  agent_.send(exec.stream, wire::Failed{.code = ErrorCode::kNotFound,
                                        .sys_errno = ENOENT,
                                        .text = "x: No such file or directory"});
  const CommandResult result = run.get();
  ASSERT_FALSE(result.end);
  EXPECT_EQ(result.end.error().message(), "x: No such file or directory");
  EXPECT_EQ(result.end.error().sys_errno(), ENOENT);
}

TEST_F(SessionTest, RunsEndWithTheCauseWhenTheSandboxDies) {
  auto run = run_code("x");
  (void)agent_.receive(FrameType::kEnd);
  agent_.close();
  agent_.exit_report()->set({.id = testing::kInstanceId,
                             .cause = isolation::SandboxExit::Cause::kAgentKilled,
                             .code = 9,
                             .out_of_memory = true});
  const CodeResult result = run.get();
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kSandboxGone));
  EXPECT_TRUE(result.end.error().is(ErrorCode::kOutOfMemory));
  EXPECT_EQ(result.end.error().message(), "sandbox is gone: out of memory (limit 64 MiB)");
}

TEST_F(SessionTest, ClosingEndsRunsWithTheReasonGiven) {
  auto inside = run_code("1");
  (void)agent_.receive(FrameType::kEnd);
  auto waiting = run_code("2");
  session_->close(Error(ErrorCode::kSandboxGone, "the sandbox was stopped"));
  for (auto* run : {&inside, &waiting}) {
    const CodeResult result = run->get();
    ASSERT_FALSE(result.end);
    EXPECT_EQ(result.end.error().message(), "the sandbox was stopped");
  }
}

TEST_F(SessionTest, ACommandTooLargeForTheWireIsRefusedByName) {
  CommandRequest request;
  request.argv = {"echo"};
  for (int i = 0; i < 5; ++i) {
    request.argv.emplace_back(100'000, 'a');
  }
  const auto end = session_->run_command(request, {});
  ASSERT_FALSE(end);
  EXPECT_TRUE(end.error().is(ErrorCode::kInvalidArgument));
}

// What a hostile agent may try. Each ends the link with a reason, and the run with it.
struct Attack {
  const char* name;
  void (*run)(FakeAgent&, std::uint32_t stream);
};

void send_header(FakeAgent& agent, std::uint32_t size, std::uint32_t stream, std::uint16_t type,
                 std::uint16_t reserved) {
  base::ByteWriter writer;
  writer.u32(size);
  writer.u32(stream);
  writer.u16(type);
  writer.u16(reserved);
  agent.send_raw(std::move(writer).take());
}

class HostileAgent : public SessionTest, public ::testing::WithParamInterface<Attack> {};

TEST_P(HostileAgent, IsCutOff) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  (void)agent_.receive(FrameType::kEnd);
  GetParam().run(agent_, repl.stream);
  agent_.exit_report()->set({.id = testing::kInstanceId, .cause = {}});
  const CodeResult result = run.get();
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kSandboxGone)) << result.end.error().message();
  EXPECT_TRUE(result.end.error().is(ErrorCode::kCorrupt)) << result.end.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Engine, HostileAgent,
    ::testing::Values(
        Attack{"OversizedFrame",
               [](FakeAgent& a, std::uint32_t s) { send_header(a, 0x7fffffff, s, 43, 0); }},
        Attack{"ReservedBits", [](FakeAgent& a, std::uint32_t s) { send_header(a, 0, s, 43, 1); }},
        Attack{"UnknownType", [](FakeAgent& a, std::uint32_t s) { send_header(a, 0, s, 999, 0); }},
        Attack{"StreamNeverOpened",
               [](FakeAgent& a, std::uint32_t) { a.send(4711, FrameType::kStdout, "x"); }},
        Attack{"OutputOverCredit",
               [](FakeAgent& a, std::uint32_t s) {
                 const std::string piece(wire::kMaxPayloadBytes, 'x');
                 // The reader grants credit while we send; nothing grants this much.
                 for (int i = 0; i < 4; ++i) {
                   a.send(s, FrameType::kStdout, piece);
                 }
                 a.send(s, wire::Exited{});
               }},
        Attack{"EndOfAnotherKind",
               [](FakeAgent& a, std::uint32_t s) { a.send(s, wire::Exited{}); }},
        Attack{"StartedForARepl",
               [](FakeAgent& a, std::uint32_t s) { a.send(s, wire::Started{.pid = 1}); }},
        Attack{"CreditForARepl",
               [](FakeAgent& a, std::uint32_t s) { a.send(s, wire::Credit{.size_bytes = 1}); }},
        Attack{"MalformedEnd",
               [](FakeAgent& a, std::uint32_t s) { a.send(s, FrameType::kReplDone, "?"); }},
        Attack{"HostFrameType",
               [](FakeAgent& a, std::uint32_t s) { a.send(s, FrameType::kExec, "x"); }},
        Attack{"OutputOnTheControlStream",
               [](FakeAgent& a, std::uint32_t) { a.send(0, FrameType::kStdout, "x"); }},
        Attack{"SecondHelloReply",
               [](FakeAgent& a, std::uint32_t) {
                 a.send(0, wire::HelloReply{.instance_id = testing::kInstanceId});
                 a.send(0, wire::HelloReply{.instance_id = testing::kInstanceId});
               }}),
    [](const auto& attack) { return std::string(attack.param.name); });

TEST_F(SessionTest, FramesOfClosedStreamsAreIgnored) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_TRUE(run.get().end);
  agent_.send(repl.stream, FrameType::kStdout, "late");
  auto next = run_code("y");
  const auto again = agent_.receive(FrameType::kRepl);
  agent_.send(again.stream, FrameType::kStdout, "mine");
  agent_.send(again.stream, wire::ReplDone{});
  EXPECT_EQ(next.get().output.out, "mine");
}

TEST_F(SessionTest, EmptyOutputFramesCostNothingAndAreHarmless) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  for (int i = 0; i < 100'000; ++i) {
    agent_.send(repl.stream, FrameType::kStdout, "");
  }
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_EQ(run.get().output.out, "");
}

class MachineSessionTest : public SessionTest {
 protected:
  void SetUp() override {
    SessionTest::SetUp();
    session_ = agent_.session_of_machine();
  }
  static constexpr wire::LimitsMet kAtEase{.disk_free_bytes = 1u << 30, .disk_free_inodes = 1000};
};

TEST_F(MachineSessionTest, WhichLimitARunHasMetTheGuestSays) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  wire::LimitsMet met = kAtEase;
  met.oom_kills = 1;
  agent_.send(repl.stream, met);
  agent_.send(repl.stream, wire::ReplDone{});
  const CodeResult result = run.get();
  ASSERT_TRUE(result.end);
  EXPECT_EQ(result.end->limits.text, "out of memory (limit 64 MiB)");
}

TEST_F(MachineSessionTest, AGuestThatHasMetNoneOrDoesNotSayEndsItsRunsAllTheSame) {
  for (const bool says : {true, false}) {
    auto run = run_code("x");
    const auto repl = agent_.receive(FrameType::kRepl);
    if (says) {
      agent_.send(repl.stream, kAtEase);
    }
    agent_.send(repl.stream, wire::ReplDone{});
    const CodeResult result = run.get();
    ASSERT_TRUE(result.end);
    EXPECT_FALSE(result.end->limits.any());
  }
}

TEST_F(MachineSessionTest, CountsThatNobodyAskedForCutTheAgentOff) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  agent_.send(repl.stream, wire::Measured{});
  agent_.exit_report()->set({.id = testing::kInstanceId, .cause = {}});
  const CodeResult result = run.get();
  ASSERT_FALSE(result.end);
  EXPECT_TRUE(result.end.error().is(ErrorCode::kCorrupt)) << result.end.error().message();
}

TEST_F(SessionTest, LimitsOfAGuestAreNotBelievedWhereTheHostCounts) {
  auto run = run_code("x");
  const auto repl = agent_.receive(FrameType::kRepl);
  agent_.send(repl.stream, wire::LimitsMet{.oom_kills = 1});
  agent_.send(repl.stream, wire::ReplDone{});
  EXPECT_FALSE(run.get().end->limits.any());
}

TEST_F(SessionTest, PingsAreAnswered) {
  agent_.send(0, FrameType::kPing);
  EXPECT_TRUE(agent_.receive(FrameType::kPong));
}

TEST_F(SessionTest, AnAgentThatPingsButNeverReadsIsCutOff) {
  std::vector<std::byte> pings;
  for (int i = 0; i < 1000; ++i) {
    wire::append_frame(pings, 0, FrameType::kPing, {});
  }
  for (int i = 0; i < 1000 && !agent_.link()->lost(); ++i) {
    agent_.send_raw(pings);
  }
  auto run = run_code("x");
  agent_.exit_report()->set({.id = testing::kInstanceId, .cause = {}});
  EXPECT_FALSE(run.get().end);
  EXPECT_TRUE(agent_.link()->lost());
}

}  // namespace
}  // namespace msb::engine
