// SPDX-License-Identifier: Apache-2.0
//
// Python runs through the real agent: how they end, and what is kept. (What the language says and
// echoes is the driver's own test.)
#include <gtest/gtest.h>
#include <signal.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "agent/testing/agent_test.h"
#include "base/file.h"

namespace msb::agent {
namespace {

using testing::Received;
using testing::wait_until_gone;
using Status = wire::ReplDone::Status;

class Python : public testing::AgentTest {
 protected:
  std::uint32_t begin(std::string_view code, std::uint64_t timeout_ms = 0) {
    return agent_->repl(wire::Language::kPython, code, timeout_ms);
  }
  void wait_for_line(std::uint32_t stream) {
    Received& got = (*agent_)[stream];
    agent_->wait([&] { return got.out.find('\n') != std::string::npos || got.closed(); });
  }
};

TEST_F(Python, KeepsStateAndEchoes) {
  EXPECT_EQ(python("x = 20").out, "");
  EXPECT_EQ(python("print(x + 1)").out, "21\n");
  const Received& got = python("x * 2");
  EXPECT_EQ(got.out, "40\n");
  EXPECT_EQ(got.done->status, Status::kSuccess);
  EXPECT_FALSE(got.done->state_lost);
}

TEST_F(Python, ReportsAnUncaughtExceptionAndKeepsTheState) {
  python("x = 1");
  const Received& got = python("1/0");
  EXPECT_EQ(got.done->status, Status::kException);
  EXPECT_FALSE(got.done->state_lost);
  EXPECT_EQ(got.err,
            "Traceback (most recent call last):\n  File \"<stdin>\", line 1, in <module>\n"
            "ZeroDivisionError: division by zero\n");
  EXPECT_EQ(python("x").out, "1\n");
}

TEST_F(Python, RunsBeforeTheInterpreterWasAskedFor) {
  agent_->send(0, wire::WarmRepl{wire::Language::kPython});
  agent_->send(0, wire::WarmRepl{wire::Language::kPython});
  EXPECT_EQ(python("'warm'").out, "'warm'\n");
}

TEST_F(Python, PractisesBeforeTheFirstRun) {
  for (int time = 0; time < 2; ++time) {
    const Received& got = agent_->finish(agent_->practise(wire::Language::kPython));
    ASSERT_TRUE(got.done);
    EXPECT_EQ(got.done->status, Status::kSuccess);
    EXPECT_EQ(got.out, ".\n");
    EXPECT_EQ(got.err, "");
  }
  for (int time = 0; time < 2; ++time) {
    const Received& got = python("import sys\nprint('a'), print('b', file=sys.stderr)");
    EXPECT_EQ(got.out, "a\n(None, None)\n");
    EXPECT_EQ(got.err, "b\n");
  }
  agent_->practise(wire::Language::kPython);
  EXPECT_TRUE(agent_->wait_for_exit());
}

// What a warm interpreter shows of the settings it has adopted.
constexpr const char* kShowSettings =
    "import os, sys, subprocess\n"
    "print(os.getcwd(), os.environ.get('WHO'), os.environ.get('IMAGE'), os.getpid())\n"
    "print(subprocess.run(['sh', '-c', 'echo $PWD $WHO $IMAGE'], capture_output=True)"
    ".stdout.decode(), end='')\n"
    "print('_' in vars(), 'MSB_REPL_FD' in os.environ)";

TEST_F(Python, AdoptsSettingsWhileItIsWarm) {
  restart({.env = {"PATH=/usr/bin:/bin", "IMAGE=1"}});
  ASSERT_TRUE(agent_->finish(agent_->practise(wire::Language::kPython)).done);
  const std::uint32_t adopted = agent_->new_stream();
  agent_->send(
      adopted,
      wire::Adopt{{.env = {"PATH=/usr/bin:/bin", "WHO=tenant"}, .workdir = "/tmp", .user = {}}});
  // Does not wait for the answer: code that follows runs after it.
  const Received& got = python(kShowSettings);
  EXPECT_TRUE((*agent_)[adopted].plain_done);
  EXPECT_NE(got.out.find("/tmp tenant None "), std::string::npos) << got.out << got.err;
  EXPECT_TRUE(got.out.ends_with("\n/tmp tenant\nFalse False\n")) << got.out;
}

TEST_F(Python, IsStartedAnewForSettingsItHasReadAlready) {
  ASSERT_TRUE(agent_->finish(agent_->practise(wire::Language::kPython)).done);
  const std::uint32_t adopted = agent_->new_stream();
  agent_->send(
      adopted,
      wire::Adopt{{.env = {"PATH=/usr/bin:/bin", "PYTHONHASHSEED=0"}, .workdir = "/", .user = {}}});
  EXPECT_TRUE(agent_->finish(adopted).plain_done);
  const std::string hash =
      "hash('a') == int(__import__('subprocess').run(['python3', '-c', "
      "'print(hash(\"a\"))'], capture_output=True).stdout)";
  EXPECT_EQ(python(hash).out, "True\n");
}

TEST_F(Python, InAFolderThatIsNotThereFailsAsAnyOther) {
  ASSERT_TRUE(agent_->finish(agent_->practise(wire::Language::kPython)).done);
  const std::uint32_t adopted = agent_->new_stream();
  agent_->send(adopted,
               wire::Adopt{{.env = {"PATH=/usr/bin:/bin"}, .workdir = "/dev/null/x", .user = {}}});
  EXPECT_TRUE(agent_->finish(adopted).plain_done);
  const Received& got = python("1");
  ASSERT_TRUE(got.failed);
  EXPECT_NE(got.failed->text.find("chdir(/dev/null/x)"), std::string::npos) << got.failed->text;
}

TEST_F(Python, DoesNotAdoptAfterARun) {
  python("x = 1");
  const std::uint32_t adopted = agent_->new_stream();
  agent_->send(adopted, wire::Adopt{{.env = {"A=1"}, .workdir = "/", .user = {}}});
  const Received& got = agent_->finish(adopted);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kConflict);
  EXPECT_EQ(python("x").out, "1\n");
}

TEST_F(Python, CatchesTheOutputOfChildrenAndOfBareDescriptors) {
  const Received& got = python(
      "import os, subprocess\nos.system('echo child')\nos.write(1, b'bare\\n')\n"
      "_ = subprocess.run(['sh', '-c', 'echo err >&2'])");
  EXPECT_EQ(got.out, "child\n0\nbare\n5\n");
  EXPECT_EQ(got.err, "err\n");
}

TEST_F(Python, EndsInputAtOnce) {
  const Received& got = python("input('? ')");
  EXPECT_EQ(got.done->status, Status::kException);
  EXPECT_NE(got.err.find("EOFError"), std::string::npos) << got.err;
}

TEST_F(Python, NeedsNoNewlineAtTheEnd) {
  EXPECT_EQ(python("print('a', end='')").out, "a");
  EXPECT_EQ(python("import sys; _ = sys.stdout.buffer.write(b'\\xff\\x00')").out,
            std::string("\xff\0", 2));
}

TEST_F(Python, RunsBigCode) {
  std::string code = "x = '''";
  code += std::string(3 << 20, 'a') + "'''\nlen(x)";
  EXPECT_EQ(python(code).out, std::to_string(3 << 20) + "\n");
}

TEST_F(Python, RefusesMoreCodeThanTheLimit) {
  const std::uint32_t stream = agent_->new_stream();
  agent_->send(stream, wire::Repl{});
  const std::vector<std::byte> piece(wire::kMaxPayloadBytes);
  for (std::size_t sent = 0; sent <= wire::kMaxCodeBytes; sent += piece.size()) {
    agent_->send(stream, wire::FrameType::kReplCode, piece);
  }
  const Received& got = agent_->finish(stream);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(python("1").out, "1\n");
}

TEST_F(Python, AnswersARunThatExitsAndStartsAgain) {
  python("x = 1");
  const Received& got = python("print('bye'); exit(3)");
  EXPECT_EQ(got.out, "bye\n");
  EXPECT_EQ(got.done->status, Status::kExit);
  EXPECT_EQ(got.done->code, 3);
  EXPECT_TRUE(got.done->state_lost);
  const Received& next = python("'x' in dir()");
  EXPECT_EQ(next.out, "False\n");
  EXPECT_FALSE(next.done->state_lost) << "that was said already";
}

TEST_F(Python, LetsAnExitFlushItsFiles) {
  auto folder = base::TempDir::create();
  python("f = open('" + folder->path() + "/f', 'w'); _ = f.write('kept'); exit()");
  EXPECT_EQ(base::read_file(folder->path() + "/f", 100).value_or(""), "kept");
}

TEST_F(Python, AnswersARunThatCrashesAndStartsAgain) {
  python("x = 1");
  const Received& got = python(
      "import os, signal; print('last', flush=True); "
      "os.kill(os.getpid(), signal.SIGSEGV)");
  EXPECT_EQ(got.out, "last\n");
  EXPECT_EQ(got.done->status, Status::kDied);
  EXPECT_EQ(got.done->code, SIGSEGV);
  EXPECT_TRUE(got.done->state_lost);
  EXPECT_EQ(python("1 + 1").out, "2\n");
}

TEST_F(Python, AnswersARunThatEndsTheProcessBehindPythonsBack) {
  const Received& got = python("import os; os._exit(5)");
  EXPECT_EQ(got.done->status, Status::kDied);
  EXPECT_EQ(got.done->code, -5);
}

TEST_F(Python, SaysThatTheStateWasLostBetweenRuns) {
  python("import os, threading");
  const Received& armed = python("pid = os.getpid(); pid");
  const pid_t pid = std::atoi(armed.out.c_str());
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(wait_until_gone(pid));
  ASSERT_TRUE(agent_->ping());
  const Received& got = python("'os' in dir()");
  EXPECT_EQ(got.out, "False\n");
  EXPECT_EQ(got.done->status, Status::kSuccess);
  EXPECT_TRUE(got.done->state_lost);
  EXPECT_FALSE(python("1").done->state_lost);
}

TEST_F(Python, InterruptsATimedOutRunAndKeepsTheState) {
  python("x = 5");
  const Received& got = python("print('begun', flush=True)\nwhile True: pass", 200);
  EXPECT_EQ(got.done->status, Status::kTimeout);
  EXPECT_FALSE(got.done->state_lost);
  EXPECT_EQ(got.out, "begun\n");
  EXPECT_EQ(python("x").out, "5\n");
}

TEST_F(Python, KillsATimedOutRunThatDoesNotYield) {
  python("import signal, time; x = 5");
  const Received& got = python(
      "_ = signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
      "while True: time.sleep(0.01)",
      200);
  EXPECT_EQ(got.done->status, Status::kTimeout);
  EXPECT_TRUE(got.done->state_lost);
  EXPECT_EQ(python("'x' in dir()").out, "False\n");
}

TEST_F(Python, KillsTheChildrenOfATimedOutRun) {
  const std::uint32_t stream = begin(
      "import subprocess, signal\n"
      "_ = signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
      "p = subprocess.Popen(['sleep', '1000'], start_new_session=True)\n"
      "print(p.pid, flush=True)\np.wait()",
      3000);  // long enough to start a child on a busy machine
  wait_for_line(stream);
  const pid_t child = std::atoi((*agent_)[stream].out.c_str());
  ASSERT_GT(child, 0);
  EXPECT_EQ(agent_->finish(stream).done->status, Status::kTimeout);
  EXPECT_TRUE(wait_until_gone(child));
}

// In short pieces: Python misses a signal in the moment in which it begins to sleep.
constexpr const char* kGoAndSleep =
    "print('go', flush=True)\nimport time\nwhile True: time.sleep(0.01)";

TEST_F(Python, CancelsARun) {
  const std::uint32_t stream = begin(kGoAndSleep);
  wait_for_line(stream);
  agent_->cancel(stream);
  const Received& got = agent_->finish(stream);
  EXPECT_EQ(got.done->status, Status::kCancelled);
  EXPECT_FALSE(got.done->state_lost);
  EXPECT_EQ(python("1").out, "1\n");
}

TEST_F(Python, CancelsARunThatWaits) {
  const std::uint32_t first = begin(kGoAndSleep);
  wait_for_line(first);
  const std::uint32_t second = begin("print('never')");
  agent_->cancel(second);
  EXPECT_EQ(agent_->finish(second).done->status, Status::kCancelled);
  EXPECT_EQ((*agent_)[second].out, "");
  EXPECT_FALSE((*agent_)[first].closed());
  agent_->cancel(first);
  EXPECT_EQ(agent_->finish(first).done->status, Status::kCancelled);
}

TEST_F(Python, ServesRunsInOrder) {
  std::vector<std::uint32_t> streams;
  python("x = []");
  for (int i = 0; i < 100; ++i) {
    streams.push_back(begin("x.append(" + std::to_string(i) + "); print(len(x))"));
  }
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(agent_->finish(streams[static_cast<std::size_t>(i)]).out,
              std::to_string(i + 1) + "\n");
  }
}

TEST_F(Python, BoundsItsQueue) {
  const std::uint32_t first = begin(kGoAndSleep);
  wait_for_line(first);
  std::vector<std::uint32_t> waiting;
  for (int i = 0; i < 256; ++i) {
    waiting.push_back(begin("1"));
  }
  const Received& refused = agent_->finish(begin("1"));
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->code, ErrorCode::kResourceExhausted);
  agent_->cancel(first);
  EXPECT_EQ(agent_->finish(waiting.back()).out, "1\n");
}

TEST_F(Python, LateOutputOfABackgroundChildCrossesIntoNoOtherRun) {
  auto folder = base::TempDir::create();
  const std::string fifo = folder->path() + "/fifo";
  const Received& first = python("import subprocess, os\nos.mkfifo('" + fifo +
                                 "')\np = subprocess.Popen(['sh', '-c', 'read x < " + fifo +
                                 "; echo late; echo late >&2; exit 3'])");
  EXPECT_EQ(first.out, "");
  const Received& second =
      python("f = open('" + fifo + "', 'w'); _ = f.write('go\\n'); f.close(); p.wait()");
  EXPECT_EQ(second.out, "3\n");
  EXPECT_EQ(second.err, "");
}

TEST_F(Python, PrintsMuch) {
  const Received& got = python("print('x' * 20_000_000)");
  EXPECT_EQ(got.out_bytes, 20'000'001u);
}

TEST_F(Python, RunsBesideCommandsAndNode) {
  const std::uint32_t stream = begin(kGoAndSleep);
  wait_for_line(stream);
  EXPECT_EQ(run("echo command").out, "command\n");
  EXPECT_EQ(node("6 * 7").out, "42\n");
  agent_->cancel(stream);
  agent_->finish(stream);
}

TEST_F(Python, RunsInTheConfiguredFolderWithItsEnvironment) {
  auto folder = base::TempDir::create();
  restart({.env = {"PATH=/usr/bin:/bin", "COLOR=green"}, .workdir = folder->path()});
  EXPECT_EQ(python("import os; print(os.getcwd(), os.environ['COLOR'])").out,
            folder->path() + " green\n");
  EXPECT_EQ(python("'MSB_REPL_FD' in os.environ").out, "False\n");
}

TEST_F(Python, SaysWhenThereIsNone) {
  restart({.env = {"PATH=/nonexistent"}});
  for (int i = 0; i < 2; ++i) {
    const Received& got = python("1");
    ASSERT_TRUE(got.failed);
    EXPECT_EQ(got.failed->code, ErrorCode::kNotFound);
    EXPECT_EQ(got.failed->text, "the sandbox has no Python (python3 on PATH)");
  }
}

TEST_F(Python, SaysWhyItDidNotStart) {
  auto folder = base::TempDir::create();
  ASSERT_TRUE(base::write_file_atomic(folder->path() + "/python3",
                                      "#!/bin/sh\necho broken python >&2\nexit 9\n", 0755));
  restart({.env = {"PATH=" + folder->path()}});
  const Received& got = python("1");
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kUnavailable);
  EXPECT_EQ(got.failed->text, "Python ended while it was starting (exit status 9): broken python");
}

TEST_F(Python, EndsAnInterpreterThatSpeaksOutOfTurn) {
  python("import os, socket");
  const Received& got = python(
      "for fd in range(3, 1100):\n"
      "  try:\n"
      "    if 'socket' in os.readlink(f'/proc/self/fd/{fd}'): _ = os.write(fd, b'?')\n"
      "  except OSError: pass\n"
      "import time; time.sleep(1000)");
  EXPECT_EQ(got.done->status, Status::kDied);
  EXPECT_TRUE(got.done->state_lost);
  EXPECT_EQ(python("1").out, "1\n");
}

TEST_F(Python, LeaksNoDescriptor) {
  python("1");
  const std::size_t before = agent_descriptors();
  for (int i = 0; i < 200; ++i) {
    python("1");
  }
  EXPECT_EQ(agent_descriptors(), before);
}

}  // namespace
}  // namespace msb::agent
