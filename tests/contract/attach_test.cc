// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes that another object has started: joined, listed, ended.
#include <algorithm>
#include <optional>
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

// The reading of that name, if it is listed.
std::optional<Metrics> listed(const SandboxOptions& where, const std::string& name) {
  const auto readings = Sandbox::list(where);
  EXPECT_TRUE(readings) << why(readings);
  if (!readings) {
    return std::nullopt;
  }
  const auto found = std::ranges::find(*readings, name, &Metrics::name);
  return found == readings->end() ? std::nullopt : std::optional(*found);
}

TEST(Attach, JoinsWhatRunsAndLeavesItRunning) {
  const Kept kept("joined");
  PythonSandbox first(kept.options());
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(first.code().run("x = 41"));
  {
    PythonSandbox second(kept.options());
    const auto attached = second.attach();
    ASSERT_TRUE(attached) << why(attached);
    EXPECT_EQ(second.code().run("x + 1")->output(), "42");
    EXPECT_TRUE(*second.metrics().is_running());
    EXPECT_TRUE(second.attach().error().is(ErrorCode::kSandboxAlreadyStarted));
    EXPECT_TRUE(second.start().error().is(ErrorCode::kSandboxAlreadyStarted));
  }
  EXPECT_EQ(first.code().run("x")->output(), "41");
}

TEST(Attach, TheOneThatJoinedMayStopIt) {
  const Kept kept("stopped");
  Sandbox first(kept.options());
  StartConfig config;
  config.image = "microsandbox/python";
  ASSERT_TRUE(first.start(config));
  first.detach();
  Sandbox second(kept.options());
  ASSERT_TRUE(second.attach());
  ASSERT_TRUE(second.stop());
  EXPECT_FALSE(listed({}, kept.name())->is_running);
  EXPECT_TRUE(second.attach().error().is(ErrorCode::kSandboxNotStarted));
}

TEST(Attach, StartsNothing) {
  const Kept kept("off");
  PythonSandbox sandbox(kept.options());
  auto attached = sandbox.attach();
  ASSERT_FALSE(attached);
  EXPECT_EQ(attached.error().message(), "failed to start sandbox: sandbox not started");
  EXPECT_FALSE(listed({}, kept.name()));
  ASSERT_TRUE(sandbox.start());
  ASSERT_TRUE(sandbox.stop());
  attached = sandbox.attach();  // defined, but at rest
  ASSERT_FALSE(attached);
  EXPECT_TRUE(attached.error().is(ErrorCode::kSandboxNotStarted)) << why(attached);
  EXPECT_FALSE(listed({}, kept.name())->is_running);
}

TEST(Attach, SaysWhatIsWrongWithAName) {
  SandboxOptions options;
  options.name = "not/a/name";
  const auto attached = Sandbox(options).attach();
  ASSERT_FALSE(attached);
  EXPECT_TRUE(attached.error().is(ErrorCode::kFailedToStartSandbox)) << why(attached);
  EXPECT_TRUE(attached.error().is(ErrorCode::kInvalidArgument)) << why(attached);
}

TEST(Attach, RemoveEndsWhatAnotherObjectStarted) {
  const Kept kept("removed");
  PythonSandbox first(kept.options());
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(Sandbox(kept.options()).remove());
  EXPECT_FALSE(listed({}, kept.name()));
  const auto run = first.code().run("1");
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kFailedToRunCode)) << why(run);
  EXPECT_TRUE(Sandbox(kept.options()).remove()) << "removing nothing is a success";
}

TEST(Attach, AnEphemeralObjectRemovesNobodyElsesFiles) {
  const Kept kept("others");
  PythonSandbox first(kept.options());
  ASSERT_TRUE(first.start());
  SandboxOptions options = kept.options();
  options.is_ephemeral = true;
  EXPECT_TRUE(Sandbox(options).remove());
  EXPECT_TRUE(listed({}, kept.name())->is_running);
}

TEST(List, ReadsWhatIsDefinedRunningOrNot) {
  const Kept kept("listed");
  PythonSandbox sandbox(kept.options());
  ASSERT_TRUE(sandbox.start());
  ASSERT_TRUE(sandbox.code().run("1"));
  const auto running = listed({}, kept.name());
  ASSERT_TRUE(running);
  EXPECT_EQ(running->namespace_, "default");
  EXPECT_TRUE(running->is_running);
  EXPECT_GT(running->memory_mib, 0);
  ASSERT_TRUE(sandbox.stop());
  const auto at_rest = listed({}, kept.name());
  ASSERT_TRUE(at_rest);
  EXPECT_FALSE(at_rest->is_running);
  EXPECT_EQ(at_rest->memory_mib, 0);
  ASSERT_TRUE(sandbox.remove());
  EXPECT_FALSE(listed({}, kept.name()));
}

TEST(List, KeepsNamespacesApart) {
  SandboxOptions elsewhere;
  elsewhere.name = unique_name("apart");
  elsewhere.namespace_ = unique_name("team");
  EXPECT_TRUE(Sandbox::list(elsewhere)->empty()) << "a namespace is what is defined in it";
  PythonSandbox sandbox(elsewhere);
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(Sandbox::list(elsewhere)->size(), 1U);
  EXPECT_FALSE(listed({}, elsewhere.name));
  SandboxOptions everywhere;
  everywhere.namespace_ = "*";
  const auto found = listed(everywhere, elsewhere.name);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->namespace_, elsewhere.namespace_);
  ASSERT_TRUE(sandbox.remove());
}

TEST(List, SaysWhatIsWrongWithANamespace) {
  SandboxOptions where;
  where.namespace_ = "not/a/name";
  const auto readings = Sandbox::list(where);
  ASSERT_FALSE(readings);
  EXPECT_TRUE(readings.error().is(ErrorCode::kFailedToGetMetrics)) << why(readings);
  EXPECT_TRUE(readings.error().is(ErrorCode::kInvalidArgument)) << why(readings);
}

}  // namespace
}  // namespace msb::contract
