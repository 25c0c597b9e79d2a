// SPDX-License-Identifier: Apache-2.0
//
// The host against an agent that the guest has taken over (hostile_agent.cc): every call returns
// with an error that says so, the host's memory stays bounded, and other sandboxes go on.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>
#include <map>
#include <optional>
#include <string>

#include "base/file.h"
#include "msb/msb.h"
#include "promise.h"

namespace msb {
namespace {

// What a sanitizer keeps beside each byte, and of those that were freed.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kMemoryFactor = 5;
#else
constexpr int kMemoryFactor = 1;
#endif

// The real programs, but for the agent.
class Programs final : public testing::Environment {
 public:
  void SetUp() override {
    const std::string real = std::getenv("MSB_LIBEXEC_DIR");
    auto folder = base::TempDir::create();
    ASSERT_TRUE(folder);
    folder_.emplace(*std::move(folder));
    const auto link = [&](const std::string& target, const std::string& name) {
      ASSERT_EQ(::symlink(target.c_str(), (folder_->path() + "/" + name).c_str()), 0);
    };
    link(real + "/msb-warden", "msb-warden");
    link(real + "/msb-unpack", "msb-unpack");
    link(MSB_HOSTILE_AGENT, "msb-agent");
    ::setenv("MSB_LIBEXEC_DIR", folder_->path().c_str(), 1);
  }

 private:
  std::optional<base::TempDir> folder_;
};

const auto* const kPrograms = testing::AddGlobalTestEnvironment(new Programs);

SandboxOptions named(const std::string& name) {
  SandboxOptions options;
  options.name = name;
  options.is_ephemeral = true;
  return options;
}

long peak_memory_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

struct Manner {
  const char* name;  // of the sandbox, which tells the agent what to do
  const char* tries;
};

std::ostream& operator<<(std::ostream& out, const Manner& manner) {
  return out << manner.name;
}

std::string test_name(const testing::TestParamInfo<Manner>& row) {
  std::string name = row.param.name;
  std::erase(name, '-');
  return name;
}

void record_row(const Manner& manner, security::Promise promise, const std::string& expected) {
  security::record({manner.name, "agent", manner.tries, promise, expected});
}

class BeforeHello : public testing::TestWithParam<Manner> {};
INSTANTIATE_TEST_SUITE_P(
    HostileAgent, BeforeHello,
    testing::Values(Manner{"leaves", "ends without a word"},
                    Manner{"garbage", "100 KB that are no frames"},
                    Manner{"giant", "a frame of 4 GiB"},
                    Manner{"impostor", "the greeting of another instance"},
                    Manner{"half-greeting", "most of a greeting, then its end"},
                    Manner{"chatty", "answers to questions that nobody asked, without end"},
                    Manner{"early", "the answer to a request before the greeting"}),
    test_name);

TEST_P(BeforeHello, FailsTheStartAndLeavesNothing) {
  record_row(GetParam(), security::Promise::kHostMemory, "the start fails, and says why");
  PythonSandbox sandbox(named(GetParam().name));
  const auto started = sandbox.start();
  ASSERT_FALSE(started);
  security::record_outcome(started.error().message());
  EXPECT_TRUE(started.error().is(ErrorCode::kFailedToStartSandbox)) << started.error().message();
  // Not the end of a long patience: each was found out by what it did.
  EXPECT_EQ(started.error().message().find("does not answer"), std::string::npos)
      << started.error().message();
  const auto ran = sandbox.code().run("1");
  ASSERT_FALSE(ran);
  EXPECT_TRUE(ran.error().is(ErrorCode::kSandboxNotStarted)) << ran.error().message();
}

class DuringARun : public testing::TestWithParam<Manner> {};
INSTANTIATE_TEST_SUITE_P(
    HostileAgent, DuringARun,
    testing::Values(Manner{"unasked", "output of a stream that nobody opened"},
                    Manner{"stranger", "output of the next stream, before it is opened"},
                    Manner{"twice", "a second greeting"},
                    Manner{"greets-again", "a greeting on a run's stream"},
                    Manner{"pings", "questions without end, and reads no answer"},
                    Manner{"overflow", "output without credit"},
                    Manner{"credit-lies", "credit for 40 TB, on a stream that takes none"},
                    Manner{"wrong-end", "the end of a command for a run of code"},
                    Manner{"bad-end", "an end with impossible values"},
                    Manner{"essay", "an error text of 200 KB"},
                    Manner{"escape-codes", "an error text with codes for the reader's terminal"},
                    Manner{"dies", "ends in the middle"}),
    test_name);

TEST_P(DuringARun, FailsTheRunAndTheSandboxStops) {
  record_row(GetParam(), security::Promise::kHostMemory,
             "the run fails, memory stays bounded, others go on");
  PythonSandbox other(named("polite"));
  ASSERT_TRUE(other.start());
  const long before = peak_memory_kib();
  PythonSandbox sandbox(named(GetParam().name));
  // An agent that misbehaves right after its greeting may be found out by either call.
  if (const auto started = sandbox.start(); !started) {
    security::record_outcome(started.error().message());
  } else {
    RunOptions options;
    options.timeout = std::chrono::seconds(1);
    const auto ran = sandbox.code().run("1", options);
    ASSERT_FALSE(ran);
    const std::string text = ran.error().message();
    security::record_outcome(text);
    EXPECT_TRUE(ran.error().is(ErrorCode::kFailedToRunCode)) << text;
    EXPECT_FALSE(text.empty());
    EXPECT_LT(text.size(), 8192u);
    EXPECT_TRUE(std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }))
        << text;
    EXPECT_TRUE(other.code().run("1"));
    EXPECT_TRUE(sandbox.stop());
  }
  EXPECT_TRUE(other.code().run("1"));
  // The output that a run collects (kMaxCollectedOutputBytes), and as much again for its growth.
  EXPECT_LT(peak_memory_kib() - before, 2 * 64 * 1024 * kMemoryFactor);
  EXPECT_TRUE(other.stop());
}

// What is found out only when the agent was given its time: the time limit of the run, and then as
// long as a healthy one could need to enforce it. All wait at once.
struct Waited {
  std::optional<std::string> error;  // of the run
  bool stopped = false;
};

constexpr Manner kSilent[] = {{"half", "half a frame, then silence"},
                              {"empty", "output frames without bytes, without end"},
                              {"deaf", "silence"}};

class Silence : public testing::TestWithParam<Manner> {
 protected:
  static void SetUpTestSuite() {
    for (const Manner& manner : kSilent) {
      waits_[manner.name] = std::async(std::launch::async, [name = std::string(manner.name)] {
        PythonSandbox sandbox(named(name));
        Waited waited;
        if (const auto started = sandbox.start(); !started) {
          waited.error = "start: " + started.error().message();
          return waited;
        }
        RunOptions options;
        options.timeout = std::chrono::seconds(1);
        if (const auto ran = sandbox.code().run("1", options); !ran) {
          waited.error = ran.error().message();
        }
        waited.stopped = sandbox.stop().has_value();
        return waited;
      });
    }
  }
  static void TearDownTestSuite() { waits_.clear(); }

  static inline std::map<std::string, std::future<Waited>> waits_;
};
INSTANTIATE_TEST_SUITE_P(HostileAgent, Silence, testing::ValuesIn(kSilent), test_name);

TEST_P(Silence, EndsTheRunAndTheSandboxStops) {
  record_row(GetParam(), security::Promise::kHostMemory,
             "the run fails after its time limit, others go on");
  PythonSandbox other(named("polite"));
  ASSERT_TRUE(other.start());
  EXPECT_TRUE(other.code().run("1"));
  const Waited waited = waits_.at(GetParam().name).get();
  ASSERT_TRUE(waited.error.has_value());
  security::record_outcome(*waited.error);
  EXPECT_NE(waited.error->find("agent"), std::string::npos) << *waited.error;
  EXPECT_TRUE(waited.stopped);
  EXPECT_TRUE(other.code().run("1"));
}

class Harmless : public testing::TestWithParam<Manner> {};
INSTANTIATE_TEST_SUITE_P(HostileAgent, Harmless,
                         testing::Values(Manner{"ends-often", "the same end 10,000 times"},
                                         Manner{"cut-lies", "2^65 bytes of output that were cut"}),
                         test_name);

TEST_P(Harmless, IsARunLikeAnother) {
  record_row(GetParam(), security::Promise::kHostMemory, "a run that succeeded, and the next");
  PythonSandbox sandbox(named(GetParam().name));
  ASSERT_TRUE(sandbox.start());
  for (int i = 0; i < 3; ++i) {
    const auto ran = sandbox.code().run("1");
    ASSERT_TRUE(ran) << ran.error().message();
    EXPECT_EQ(ran->output(), "");
  }
  security::record_outcome("three runs");
  EXPECT_TRUE(sandbox.stop());
}

class Logs : public testing::TestWithParam<Manner> {};
INSTANTIATE_TEST_SUITE_P(HostileAgent, Logs,
                         testing::Values(Manner{"log-flood",
                                                "a log without end, in lines of 2 bytes"}),
                         test_name);

TEST_P(Logs, AreBounded) {
  constexpr std::size_t kAllowedBytes = 32u << 20;
  record_row(GetParam(), security::Promise::kHostMemory, "at most 32 MiB on disk");
  const long before = peak_memory_kib();
  PythonSandbox sandbox(named(GetParam().name));
  StartConfig config;
  config.exec = "anything";
  ASSERT_TRUE(sandbox.start(config));
  // Until something is logged, and then for as long again as it takes to be much.
  std::size_t largest = 0;
  using Clock = std::chrono::steady_clock;
  for (Clock::time_point end = Clock::now() + std::chrono::seconds(20); Clock::now() < end;) {
    const auto log = sandbox.log(2 * kAllowedBytes);
    ASSERT_TRUE(log) << log.error().message();
    if (largest == 0 && !log->empty()) {
      end = Clock::now() + std::chrono::milliseconds(500);
    }
    largest = std::max(largest, log->size());
  }
  security::record_outcome(std::to_string(largest >> 10) + " KiB kept");
  EXPECT_GT(largest, 0u);
  EXPECT_LE(largest, kAllowedBytes);
  EXPECT_LT(peak_memory_kib() - before, 4 * 64 * 1024);
  EXPECT_TRUE(sandbox.stop());
}

}  // namespace
}  // namespace msb
