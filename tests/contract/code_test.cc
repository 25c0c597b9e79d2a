// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <string>
#include <thread>

#include "contract.h"

namespace msb::contract {
namespace {

using namespace std::chrono_literals;

class Python : public Started<PythonSandbox> {};
class Node : public Started<NodeSandbox> {};

TEST_F(Python, KeepsStateBetweenRuns) {
  EXPECT_EQ(out("x = 20"), "");
  EXPECT_EQ(out("print(x + 1)"), "21");
  EXPECT_EQ(out("x * 2"), "40");
  EXPECT_EQ(out("_ + 2"), "42");
}

TEST_F(Python, AnExceptionIsAResultAndKeepsTheState) {
  ASSERT_EQ(out("x = 1"), "");
  const auto run = sandbox_.code().run("print('before')\n1/0\nprint('after')");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->status(), "exception");
  EXPECT_TRUE(run->has_error());
  EXPECT_FALSE(run->state_lost());
  EXPECT_EQ(run->output(), "before");
  EXPECT_NE(run->error().find("ZeroDivisionError: division by zero"), std::string::npos);
  EXPECT_EQ(out("x"), "1");
}

TEST_F(Python, ExitEndsTheRunAndTheState) {
  ASSERT_EQ(out("x = 1"), "");
  const auto run = sandbox_.code().run("import sys\nprint('bye')\nsys.exit(3)");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->status(), "exit");
  EXPECT_EQ(run->exit_code(), 3);
  EXPECT_TRUE(run->state_lost());
  EXPECT_EQ(run->output(), "bye");
  EXPECT_EQ(run->error(), "Error: the interpreter exited with status 3; its state is gone");
  EXPECT_EQ(sandbox_.code().run("x")->status(), "exception");
}

TEST_F(Python, ACrashOfTheInterpreterIsAnswered) {
  const auto run = sandbox_.code().run("import os\nos.kill(os.getpid(), 11)");
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "died");
  EXPECT_EQ(run->exit_code(), 128 + 11);
  EXPECT_TRUE(run->state_lost());
  EXPECT_EQ(out("1 + 1"), "2");
}

TEST_F(Python, ATimeoutInterruptsAndOutputNeverCrossesRuns) {
  RunOptions options;
  options.timeout = 300ms;
  const auto run = sandbox_.code().run(
      "import time\nwhile True:\n  print('old', flush=True)\n"
      "  time.sleep(0.05)",
      options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "timeout");
  EXPECT_NE(run->error().find("Error: Execution timed out after 0.3 seconds"), std::string::npos)
      << run->error();
  EXPECT_EQ(out("print('new')"), "new");
}

TEST_F(Python, ARunThatIgnoresInterruptsIsEndedToo) {
  ASSERT_EQ(out("import signal\n_ = signal.signal(signal.SIGINT, signal.SIG_IGN)"), "");
  RunOptions options;
  options.timeout = 200ms;
  const auto run = sandbox_.code().run("while True: pass", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "timeout");
  EXPECT_TRUE(run->state_lost());
  EXPECT_EQ(out("print('alive')"), "alive");
}

TEST_F(Python, ARunCanBeCancelled) {
  std::stop_source stop;
  RunOptions options;
  options.stop = stop.get_token();
  options.on_output = [&](Stream, std::string_view) { stop.request_stop(); };
  const auto run =
      sandbox_.code().run("import time\nprint('in', flush=True)\ntime.sleep(600)", options);
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kCancelled)) << why(run);
  EXPECT_EQ(out("1 + 1"), "2");
}

TEST_F(Python, OutputComesAsItIsWritten) {
  // The second line is written only after the first has arrived here.
  RunOptions options;
  std::string seen;
  options.on_output = [&](Stream, std::string_view bytes) {
    seen += bytes;
    if (bytes.find("one") != std::string_view::npos) {
      EXPECT_EQ(sandbox_.command().run("touch", {"/tmp/go"})->exit_code(), 0);
    }
  };
  options.timeout = 20s;
  const auto run = sandbox_.code().run(
      "import os, time\nprint('one', flush=True)\n"
      "while not os.path.exists('/tmp/go'): time.sleep(0.01)\n"
      "print('two')",
      options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "success");
  EXPECT_EQ(seen, "one\ntwo\n");
}

TEST_F(Python, InputIsAtItsEnd) {
  const auto run = sandbox_.code().run("input()");
  ASSERT_TRUE(run);
  EXPECT_NE(run->error().find("EOFError"), std::string::npos);
}

TEST_F(Python, BytesThatAreNotTextAndMissingNewlinesPass) {
  const auto run = sandbox_.code().run("import os\n_ = os.write(1, b'\\xff\\x00end')");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->output(), std::string("\xff\0end", 5));
  EXPECT_NE(run->to_json().find("\xef\xbf\xbd"), std::string::npos) << run->to_json();
}

TEST_F(Python, AHundredThousandShortLinesArriveInOrder) {
  const int lines = much(100'000);
  const auto run = sandbox_.code().run("for i in range(" + std::to_string(lines) + "): print(i)");
  ASSERT_TRUE(run);
  std::string expected;
  for (int i = 0; i < lines; ++i) {
    expected += std::to_string(i) + "\n";
  }
  expected.pop_back();
  EXPECT_TRUE(run->output() == expected);
}

TEST_F(Python, CollectionIsBoundedAndSaysSo) {
  std::uint64_t seen = 0;
  RunOptions options;
  options.on_output = [&](Stream, std::string_view bytes) { seen += bytes.size(); };
  const auto run = sandbox_.code().run(
      "import sys\nfor i in range(80): _ = sys.stdout.write('x' * 2**20)", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(seen, 80u << 20);
  EXPECT_EQ(run->output().size(), kMaxCollectedOutputBytes);
  EXPECT_EQ(run->dropped_bytes(), seen - kMaxCollectedOutputBytes);
}

TEST_F(Python, ASlowReaderThrottlesOnlyItself) {
  const std::jthread slow([&] {
    RunOptions options;
    options.on_output = [](Stream, std::string_view) { std::this_thread::sleep_for(5ms); };
    const auto run = sandbox_.code().run("print('x' * 3_000_000)", options);
    EXPECT_TRUE(run) << why(run);
  });
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(shell("echo quick"), "quick");
  }
}

TEST_F(Python, JsonHasTheLinesOfBothStreams) {
  const auto run =
      sandbox_.code().run("import sys\nprint('a\\n\\nb')\nprint('e', file=sys.stderr)");
  ASSERT_TRUE(run);
  const std::string json = run->to_json();
  EXPECT_TRUE(json.starts_with(R"({"status":"success","language":"python","output":[)")) << json;
  EXPECT_NE(json.find(R"({"stream":"stdout","text":"a"},{"stream":"stdout","text":""},)"
                      R"({"stream":"stdout","text":"b"})"),
            std::string::npos)
      << json;
  EXPECT_NE(json.find(R"({"stream":"stderr","text":"e"})"), std::string::npos) << json;
}

TEST_F(Python, LargeCodeRuns) {
  const std::string code = "s = '" + std::string(4'000'000, 'y') + "'\nlen(s)";
  EXPECT_EQ(out(code), "4000000");
}

TEST_F(Node, KeepsStateAndEchoesLikeItsOwnRepl) {
  EXPECT_EQ(out("const a = 2"), "");
  EXPECT_EQ(out("a ** 10"), "1024");
  EXPECT_EQ(out("[1, 2, 3]"), "[ 1, 2, 3 ]");
  EXPECT_EQ(out("await Promise.resolve('later')"), "'later'");
  EXPECT_EQ(out("require('os').EOL.length"), "1");
}

TEST_F(Node, ErrorsAreReportedAndStateIsKept) {
  ASSERT_EQ(out("let b = 3"), "");
  const auto run = sandbox_.code().run("throw new Error('boo')");
  ASSERT_TRUE(run);
  EXPECT_EQ(run->status(), "exception");
  EXPECT_NE((run->output() + run->error()).find("boo"), std::string::npos);
  const auto warn = sandbox_.code().run("console.error('warn')");
  EXPECT_EQ(warn->error(), "warn");
  EXPECT_TRUE(warn->has_error());
  EXPECT_EQ(out("b"), "3");
}

TEST_F(Node, ATimeoutEndsALoop) {
  RunOptions options;
  options.timeout = 300ms;
  const auto run = sandbox_.code().run("for (;;) {}", options);
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "timeout");
  EXPECT_EQ(out("1 + 1"), "2");
}

TEST_F(Python, AnInterpreterThatIsNotInTheImageIsNotFound) {
  const auto run = sandbox_.code().run("1");
  ASSERT_TRUE(run);
  Sandbox& any = sandbox_;
  const auto node = any.code(Language::kNode).run("1");
  ASSERT_FALSE(node);
  EXPECT_TRUE(node.error().is(ErrorCode::kNotFound)) << why(node);
}

TEST(Languages, AreKnownByTheirNames) {
  EXPECT_EQ(*parse_language("Python"), Language::kPython);
  EXPECT_EQ(*parse_language("javascript"), Language::kNode);
  EXPECT_EQ(*parse_language("NODEJS"), Language::kNode);
  const auto unknown = parse_language("cobol");
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().is(ErrorCode::kUnknownLanguage));
}

}  // namespace
}  // namespace msb::contract
