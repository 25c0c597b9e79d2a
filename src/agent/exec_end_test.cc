// SPDX-License-Identifier: Apache-2.0
//
// How commands end: background children, timeouts, cancellation, signals, terminals.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "agent/testing/agent_test.h"
#include "base/file.h"

namespace msb::agent {
namespace {

using testing::Received;
using testing::wait_until_gone;
using Cause = wire::Exited::Cause;
using Ended = wire::Exited::Ended;

class ExecEnd : public testing::AgentTest {
 protected:
  // The process id that a script has printed as its first line.
  pid_t printed_pid(std::uint32_t stream) {
    Received& got = (*agent_)[stream];
    agent_->wait([&] { return got.out.find('\n') != std::string::npos || got.closed(); });
    return std::atoi(got.out.c_str());
  }
};

TEST_F(ExecEnd, IsReportedWhenABackgroundChildHoldsThePipes) {
  const std::uint32_t stream = agent_->shell("sleep 1000 & echo $!");
  const Received& got = agent_->finish(stream);
  ASSERT_TRUE(got.exited);
  EXPECT_EQ(got.exited->ended, Ended::kByItself);
  const pid_t child = std::atoi(got.out.c_str());
  EXPECT_EQ(::kill(child, 0), 0) << "the background child was to live on";
  agent_.reset();
  EXPECT_TRUE(wait_until_gone(child)) << "nothing survives the agent";
}

TEST_F(ExecEnd, LeavesABackgroundChildItsOutput) {
  auto folder = base::TempDir::create();
  const std::string file = folder->path() + "/alive";
  const std::string fifo = folder->path() + "/fifo";
  // Once we write to the fifo, the child prints far more than a pipe holds: it would block if
  // nobody read, and die of SIGPIPE if nobody held the other end.
  const std::uint32_t stream = agent_->shell(
      "mkfifo " + fifo + "; (read x < " + fifo + "; head -c 1000000 /dev/zero; echo yes > " + file +
      "; echo z > " + fifo + ".done) & mkfifo " + fifo + ".done");
  ASSERT_TRUE(agent_->finish(stream).exited);
  const Received& got = run("echo go > " + fifo + "; cat " + fifo + ".done; cat " + file);
  EXPECT_EQ(got.out, "z\nyes\n");
}

TEST_F(ExecEnd, AnswersATimeoutWithWhatWasPrinted) {
  const Received& got = run("echo before; sleep 1000; echo after", 100);
  ASSERT_TRUE(got.exited);
  EXPECT_EQ(got.out, "before\n");
  EXPECT_EQ(got.exited->ended, Ended::kTimeout);
  EXPECT_EQ(got.exited->cause, Cause::kSignal);
  EXPECT_EQ(got.exited->code, SIGKILL);
}

TEST_F(ExecEnd, KillsTheWholeGroupOnTimeout) {
  const std::uint32_t stream =
      agent_->shell("trap '' TERM HUP INT; sh -c 'sleep 1000 & echo $!; wait'", 200);
  const pid_t grandchild = printed_pid(stream);
  ASSERT_GT(grandchild, 0);
  EXPECT_EQ(agent_->finish(stream).exited->ended, Ended::kTimeout);
  EXPECT_TRUE(wait_until_gone(grandchild));
}

TEST_F(ExecEnd, KillsADaemonThatLeftTheSessionOnTimeout) {
  // A double fork with setsid: not in the group, not in the session, not a descendant any more.
  const std::uint32_t stream = agent_->shell(
      "setsid sh -c 'setsid sleep 1000 >/dev/null 2>&1 </dev/null & echo $!; exit'; sleep 1000",
      200);
  const pid_t daemon = printed_pid(stream);
  ASSERT_GT(daemon, 0);
  EXPECT_EQ(agent_->finish(stream).exited->ended, Ended::kTimeout);
  EXPECT_TRUE(wait_until_gone(daemon));
}

TEST_F(ExecEnd, ATimeoutOfOneSparesTheOthers) {
  wire::Exec request = command({"sh", "-c", "read x; echo $x"});
  request.flags = wire::Exec::kStdin;
  const std::uint32_t other = agent_->exec(request);
  EXPECT_EQ(run("sleep 1000", 50).exited->ended, Ended::kTimeout);
  agent_->send_data(other, "alive\n");
  const Received& got = agent_->finish(other);
  EXPECT_EQ(got.exited->ended, Ended::kByItself);
  EXPECT_EQ(got.out, "alive\n");
}

TEST_F(ExecEnd, ATimeoutThatIsNotReachedChangesNothing) {
  const Received& got = run("echo ok", 60'000);
  EXPECT_EQ(got.exited->ended, Ended::kByItself);
  EXPECT_EQ(got.out, "ok\n");
}

TEST_F(ExecEnd, AcceptsATimeoutLongerThanTheClock) {
  EXPECT_EQ(run("echo ok", ~std::uint64_t{0}).exited->ended, Ended::kByItself);
}

TEST_F(ExecEnd, CancelsWithAllItsChildren) {
  const std::uint32_t stream = agent_->shell("sh -c 'echo $$; sleep 1000'; echo not reached");
  const pid_t child = printed_pid(stream);
  agent_->cancel(stream);
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.exited->ended, Ended::kCancelled);
  EXPECT_TRUE(wait_until_gone(child));
}

TEST_F(ExecEnd, AnswersACancelThoughTheHostTakesNoOutput) {
  auto folder = base::TempDir::create();
  const std::string fifo = folder->path() + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  constexpr std::size_t kTooMuch = 60'000;
  const std::uint32_t stream =
      agent_->shell("head -c " + std::to_string(wire::kInitialCreditBytes + kTooMuch) +
                    " /dev/zero; echo written > " + fifo + "; sleep 1000");
  (*agent_)[stream].grant = false;
  EXPECT_EQ(run("cat " + fifo).out, "written\n");
  agent_->cancel(stream);
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.exited->ended, Ended::kCancelled);
  EXPECT_EQ(got.out_bytes, wire::kInitialCreditBytes);
  ASSERT_TRUE(got.cut) << "what was not sent must be said";
  EXPECT_EQ(got.cut->dropped_bytes, kTooMuch);
}

TEST_F(ExecEnd, PassesSignalsToTheGroup) {
  const std::uint32_t stream =
      agent_->shell("trap 'echo got it; exit 7' USR1; echo $$; while :; do sleep 0.01; done");
  printed_pid(stream);
  agent_->signal(stream, SIGUSR1);
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.exited->code, 7);
  EXPECT_TRUE(got.out.ends_with("got it\n"));
}

TEST_F(ExecEnd, GivesATerminal) {
  wire::Exec request = command({"sh", "-c", "test -t 0 && test -t 2 && stty size; echo err >&2"});
  request.flags = wire::Exec::kTerminal;
  request.rows = 33;
  request.columns = 111;
  const Received& got = run(request);
  EXPECT_EQ(got.exited->code, 0);
  EXPECT_EQ(got.out, "33 111\r\nerr\r\n");
  EXPECT_EQ(got.err, "");
}

TEST_F(ExecEnd, TellsOfANewTerminalSize) {
  wire::Exec request = command(
      {"bash", "-c", "trap 'stty size; exit' WINCH; echo ready; while :; do sleep 0.01; done"});
  request.flags = wire::Exec::kTerminal;
  const std::uint32_t stream = agent_->exec(request);
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[stream].out == "ready\r\n"; }));
  agent_->send(stream, wire::Resize{.rows = 50, .columns = 120});
  EXPECT_EQ(agent_->finish(stream).out, "ready\r\n50 120\r\n");
}

TEST_F(ExecEnd, IsInterruptedFromItsTerminal) {
  wire::Exec request = command({"sh", "-c", "echo ready; exec sleep 1000"});
  request.flags = wire::Exec::kTerminal;
  const std::uint32_t stream = agent_->exec(request);
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[stream].out == "ready\r\n"; }));
  agent_->send_data(stream, "\x03");
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.exited->cause, Cause::kSignal);
  EXPECT_EQ(got.exited->code, SIGINT);
}

TEST_F(ExecEnd, LosesNothingOfATerminalsOutput) {
  for (int i = 0; i < 20; ++i) {
    wire::Exec request = command({"sh", "-c", "seq 1 2000; echo end"});
    request.flags = wire::Exec::kTerminal;
    const Received& got = run(request);
    ASSERT_TRUE(got.out.ends_with("2000\r\nend\r\n")) << got.out.size();
  }
}

TEST_F(ExecEnd, EndsATerminalsInput) {
  wire::Exec request = command({"cat"});
  request.flags = wire::Exec::kTerminal;
  const std::uint32_t stream = agent_->exec(request);
  agent_->send_data(stream, "line\n");
  agent_->end(stream);
  EXPECT_EQ(agent_->finish(stream).exited->code, 0);
}

TEST_F(ExecEnd, ReapsOrphans) {
  // The orphan's parent ends first; the agent is then its parent and the one to reap it.
  const Received& got = run("sh -c 'sh -c \"exit 0\" & echo $!'");
  const pid_t orphan = std::atoi(got.out.c_str());
  ASSERT_GT(orphan, 0);
  EXPECT_TRUE(wait_until_gone(orphan));
  run("true");
  const Received& children = run("cat /proc/" + std::to_string(agent_->pid()) + "/task/*/children");
  EXPECT_EQ(children.out, std::to_string(children.started->pid) + " ")
      << "only the command itself, no zombie";
}

TEST_F(ExecEnd, DiesWithTheHost) {
  const std::uint32_t stream = agent_->shell("setsid sleep 1000 & echo $!; sleep 1000");
  const pid_t daemon = printed_pid(stream);
  agent_.reset();
  EXPECT_TRUE(wait_until_gone(daemon));
}

}  // namespace
}  // namespace msb::agent
