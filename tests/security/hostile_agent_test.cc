// SPDX-License-Identifier: Apache-2.0
//
// The host against an agent that the guest has taken over (hostile_agent.cc): every call returns
// with an error that says so, the host's memory stays bounded, and other sandboxes go on.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>

#include "base/file.h"
#include "msb/msb.h"

namespace msb {
namespace {

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

class BeforeHello : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(HostileAgent, BeforeHello,
                         testing::Values("leaves", "garbage", "giant", "impostor"),
                         [](const auto& manner) { return std::string(manner.param); });

TEST_P(BeforeHello, FailsTheStartAndLeavesNothing) {
  PythonSandbox sandbox(named(GetParam()));
  const auto started = sandbox.start();
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kFailedToStartSandbox)) << started.error().message();
  const auto ran = sandbox.code().run("1");
  ASSERT_FALSE(ran);
  EXPECT_TRUE(ran.error().is(ErrorCode::kSandboxNotStarted)) << ran.error().message();
}

class DuringARun : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(HostileAgent, DuringARun,
                         testing::Values("unasked", "twice", "pings", "overflow", "wrong-end",
                                         "bad-end", "dies", "half", "empty", "deaf"),
                         [](const auto& manner) {
                           std::string name = manner.param;
                           std::erase(name, '-');
                           return name;
                         });

TEST_P(DuringARun, FailsTheRunAndTheSandboxStops) {
  PythonSandbox other(named("polite"));
  ASSERT_TRUE(other.start());
  const long before = peak_memory_kib();
  PythonSandbox sandbox(named(GetParam()));
  // An agent that misbehaves right after its greeting may be found out by either call.
  if (sandbox.start()) {
    RunOptions options;
    options.timeout = std::chrono::seconds(1);
    const auto ran = sandbox.code().run("1", options);
    ASSERT_FALSE(ran);
    EXPECT_TRUE(ran.error().is(ErrorCode::kFailedToRunCode)) << ran.error().message();
    EXPECT_FALSE(ran.error().message().empty());
    EXPECT_TRUE(other.code().run("1"));
    EXPECT_TRUE(sandbox.stop());
  }
  EXPECT_TRUE(other.code().run("1"));
  // The output that a run collects (kMaxCollectedOutputBytes), and as much again for its growth.
  EXPECT_LT(peak_memory_kib() - before, 2 * 64 * 1024);
  EXPECT_TRUE(other.stop());
}

}  // namespace
}  // namespace msb
