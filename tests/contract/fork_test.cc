// SPDX-License-Identifier: Apache-2.0
//
// Copies of a sandbox with all that runs in it, by fork() and by a snapshot: of machines. What
// other tiers say is here as well.
#include <ctime>
#include <set>
#include <string>
#include <vector>

#include "contract.h"

namespace msb::contract {
namespace {

bool is_machine() {
  return usual_tier() == "microvm";
}

std::string now_in_seconds() {
  return std::to_string(std::time(nullptr));
}

template <typename Kind>
std::string said(Kind& sandbox, const std::string& code) {
  const auto run = sandbox.code().run(code);
  EXPECT_TRUE(run) << why(run);
  return run ? run->output() + run->error() : "?";
}

TEST(Fork, OfAnotherTierIsNotSupported) {
  if (is_machine()) {
    GTEST_SKIP() << "this tier can";
  }
  PythonSandbox sandbox;
  ASSERT_TRUE(sandbox.start());
  const auto copies = sandbox.fork();
  ASSERT_FALSE(copies);
  EXPECT_TRUE(copies.error().is(ErrorCode::kUnsupported)) << why(copies);
  EXPECT_NE(why(copies).find("the tier " + usual_tier()), std::string::npos) << why(copies);
  EXPECT_NE(why(copies).find("microvm can"), std::string::npos) << why(copies);
  EXPECT_EQ(said(sandbox, "print(1)"), "1");
}

template <typename Kind>
class Forked : public Started<Kind> {
 protected:
  void SetUp() override {
    if (!is_machine()) {
      GTEST_SKIP() << "the tier " << usual_tier() << " cannot";
    }
    Started<Kind>::SetUp();
  }

  // What the code says in the original and in each of the copies.
  std::multiset<std::string> said_by_all(std::vector<Kind>& copies, const std::string& code) {
    std::multiset<std::string> all = {said(this->sandbox_, code)};
    for (Kind& copy : copies) {
      all.insert(said(copy, code));
    }
    return all;
  }
  void expect_different(std::vector<Kind>& copies, const std::string& code) {
    const auto all = said_by_all(copies, code);
    EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), copies.size() + 1)
        << code << ": " << *all.begin();
  }
  void expect_same(std::vector<Kind>& copies, const std::string& code,
                   const std::string& expected) {
    for (const std::string& text : said_by_all(copies, code)) {
      EXPECT_EQ(text, expected) << code;
    }
  }
};

using ForkedPython = Forked<PythonSandbox>;
using ForkedNode = Forked<NodeSandbox>;

TEST_F(ForkedPython, GoesOnAsSomebodyElse) {
  out("import os, random, secrets, socket, ssl, subprocess, time, uuid\n"
      "random.seed(5)\n"
      "x = [7]\n"
      "open('/tmp/before', 'w').write('early')\n"
      "ticker = subprocess.Popen(['sh', '-c', 'while :; do echo >>/tmp/ticks; sleep 0.02; done'])");
  auto copies = sandbox_.fork(2);
  ASSERT_TRUE(copies) << why(copies);
  ASSERT_EQ(copies->size(), 2u);

  expect_same(*copies, "x", "[7]");
  expect_same(*copies, "open('/tmp/before').read()", "'early'");
  // Of the kernel, of OpenSSL, of the interpreter.
  expect_different(*copies, "secrets.token_hex()");
  expect_different(*copies, "uuid.uuid4()");
  expect_different(*copies, "ssl.RAND_bytes(16)");
  expect_different(*copies, "random.random()");
  expect_different(*copies, "open('/proc/sys/kernel/random/boot_id').read()");
  expect_different(*copies, "socket.gethostname()");
  expect_different(*copies, "open('/etc/machine-id').read()");
  expect_different(*copies, "open('/etc/hostname').read()");
  EXPECT_EQ(said((*copies)[0], "print(socket.gethostname())"), (*copies)[0].name());

  expect_same(*copies, "abs(time.time() - " + now_in_seconds() + ") < 60", "True");
  // Processes go on, each in its own sandbox.
  expect_same(
      *copies,
      "n = os.stat('/tmp/ticks').st_size; time.sleep(0.5); os.stat('/tmp/ticks').st_size > n",
      "True");

  said((*copies)[0], "x.append('first'); _ = open('/tmp/own', 'w').write('first')");
  EXPECT_EQ(said((*copies)[1], "x, os.path.exists('/tmp/own')"), "([7], False)");
  EXPECT_EQ(out("x, os.path.exists('/tmp/own')"), "([7], False)");

  // A copy can be copied, and goes with its object.
  auto second = (*copies)[0].fork();
  ASSERT_TRUE(second) << why(second);
  EXPECT_EQ(said(second->front(), "x, open('/tmp/own').read()"), "([7, 'first'], 'first')");
  EXPECT_NE(said(second->front(), "random.random()"), said((*copies)[0], "random.random()"));
}

TEST_F(ForkedPython, WaitsForRunsAndNotForCommands) {
  SpawnOptions options;
  std::string heard;
  options.command.on_output = [&](Stream, std::string_view text) { heard += text; };
  auto counter = sandbox_.command().spawn(
      "sh", {"-c", "i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); sleep 0.02; done"}, options);
  ASSERT_TRUE(counter) << why(counter);
  out("import time; time.sleep(0.2); x = 1");
  auto copies = sandbox_.fork();
  ASSERT_TRUE(copies) << why(copies);
  EXPECT_EQ(said(copies->front(), "x"), "1");
  // The original's caller has missed nothing.
  const auto end = counter->wait();
  ASSERT_TRUE(end) << why(end);
  std::string expected;
  for (int i = 0; i < 40; ++i) {
    expected += std::to_string(i) + "\n";
  }
  EXPECT_EQ(end->output() + "\n", expected);
}

TEST_F(ForkedPython, SaysWhatIsWrong) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{65}}) {
    const auto copies = sandbox_.fork(count);
    ASSERT_FALSE(copies);
    EXPECT_TRUE(copies.error().is(ErrorCode::kInvalidArgument)) << why(copies);
    EXPECT_NE(why(copies).find("count"), std::string::npos) << why(copies);
  }
  ASSERT_TRUE(sandbox_.pause());
  EXPECT_TRUE(sandbox_.fork().error().is(ErrorCode::kSandboxPaused));
  ASSERT_TRUE(sandbox_.resume());
  EXPECT_EQ(out("print(1)"), "1");
  EXPECT_TRUE(PythonSandbox().fork().error().is(ErrorCode::kSandboxNotStarted));
}

TEST_F(ForkedNode, GoesOnAsSomebodyElse) {
  out("const crypto = require('crypto'); let y = {n: 5};"
      "void [Math.random(), crypto.randomUUID(), crypto.randomInt(10), crypto.randomBytes(1)]");
  auto copies = sandbox_.fork(2);
  ASSERT_TRUE(copies) << why(copies);
  expect_same(*copies, "y.n", "5");
  expect_different(*copies, "Math.random()");
  expect_different(*copies, "crypto.randomUUID()");
  expect_different(*copies, "crypto.randomInt(2 ** 47)");
  expect_different(*copies, "crypto.randomBytes(16).toString('hex')");
  expect_different(*copies, "require('os').hostname()");
  expect_same(*copies, "Math.abs(Date.now() / 1000 - " + now_in_seconds() + ") < 60", "true");
}

TEST_F(ForkedPython, ASnapshotIsACopyForLater) {
  out("x = {'kept': 1}; _ = open('/tmp/kept', 'w').write('yes')");
  const auto name = sandbox_.snapshot("contract-machine");
  ASSERT_TRUE(name) << why(name);
  out("x['later'] = 2");
  {
    auto first = PythonSandbox::from_snapshot(*name);
    ASSERT_TRUE(first) << why(first);
    EXPECT_EQ(said(*first, "x, open('/tmp/kept').read()"), "({'kept': 1}, 'yes')");
    auto second = PythonSandbox::from_snapshot(*name);
    ASSERT_TRUE(second) << why(second);
    said(*first, "x['first'] = 3");
    EXPECT_EQ(said(*second, "x"), "{'kept': 1}");
    EXPECT_NE(said(*first, "import os; os.urandom(8)"), said(*second, "import os; os.urandom(8)"));
  }
  EXPECT_EQ(out("x"), "{'kept': 1, 'later': 2}");

  // It has the shape it had.
  StartConfig config;
  config.memory = 1024;
  const auto larger = PythonSandbox::from_snapshot(*name, {}, config);
  ASSERT_FALSE(larger);
  EXPECT_TRUE(larger.error().is(ErrorCode::kInvalidArgument)) << why(larger);
  EXPECT_NE(why(larger).find("memory"), std::string::npos) << why(larger);
  config = {};
  config.isolation = "jail";
  const auto weaker = PythonSandbox::from_snapshot(*name, {}, config);
  ASSERT_FALSE(weaker);
  EXPECT_NE(why(weaker).find("isolation"), std::string::npos) << why(weaker);
}

}  // namespace
}  // namespace msb::contract
