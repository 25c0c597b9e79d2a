// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "contract.h"
#include "host_traces.h"

namespace msb::contract {
namespace {

TEST(Lifecycle, EverythingIsRefusedBeforeTheStart) {
  PythonSandbox sandbox;
  for (const Error& error :
       {sandbox.stop().error(), sandbox.code().run("1").error(),
        sandbox.command().run("true").error(), sandbox.metrics().all().error()}) {
    EXPECT_TRUE(error.is(ErrorCode::kSandboxNotStarted)) << error.message();
  }
  EXPECT_EQ(sandbox.code().run("1").error().message(), "failed to run code: sandbox not started");
  EXPECT_EQ(sandbox.stop().error().message(), "failed to stop sandbox: sandbox not started");
}

TEST(Lifecycle, StartsStopsAndStartsAgain) {
  PythonSandbox sandbox;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(sandbox.start());
    const auto again = sandbox.start();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().message(), "failed to start sandbox: sandbox already started");
    EXPECT_EQ(sandbox.code().run("print(1)")->output(), "1");
    ASSERT_TRUE(sandbox.stop());
    EXPECT_TRUE(sandbox.stop().error().is(ErrorCode::kSandboxNotStarted));
  }
}

TEST(Lifecycle, OfTwoConcurrentStartsExactlyOneWins) {
  PythonSandbox sandbox;
  std::atomic<int> won = 0;
  std::atomic<int> refused = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const auto started = sandbox.start();
      if (started) {
        ++won;
      } else if (started.error().is(ErrorCode::kSandboxAlreadyStarted)) {
        ++refused;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(won, 1);
  EXPECT_EQ(refused, 7);
}

TEST(Lifecycle, RandomNamesAreAnonymousAndDistinct) {
  const PythonSandbox one;
  const PythonSandbox two;
  EXPECT_TRUE(one.name().starts_with("sandbox-"));
  EXPECT_EQ(one.name().size(), std::string("sandbox-").size() + 8);
  EXPECT_NE(one.name(), two.name());
}

TEST(Lifecycle, FilesOfANameStayUntilItIsRemoved) {
  const Kept kept("files");
  {
    PythonSandbox first(kept.options());
    ASSERT_TRUE(first.start());
    ASSERT_EQ(first.command().run("sh", {"-c", "echo kept > ~/file"})->exit_code(), 0);
    ASSERT_EQ(first.code().run("x = 1")->status(), "success");
    ASSERT_TRUE(first.stop());
    ASSERT_TRUE(first.start());
    EXPECT_EQ(first.command().run("sh", {"-c", "cat ~/file"})->output(), "kept");
    // REPL state ends with stop().
    EXPECT_EQ(first.code().run("x")->status(), "exception");
  }
  PythonSandbox second(kept.options());
  ASSERT_TRUE(second.start());
  EXPECT_EQ(second.command().run("sh", {"-c", "cat ~/file"})->output(), "kept");
  ASSERT_TRUE(second.remove());
  ASSERT_TRUE(second.start());
  EXPECT_NE(second.command().run("sh", {"-c", "cat ~/file"})->exit_code(), 0);
}

TEST(Lifecycle, FilesOfAnEphemeralOneLiveAsLongAsItsObject) {
  PythonSandbox sandbox;
  ASSERT_TRUE(sandbox.start());
  ASSERT_EQ(sandbox.command().run("sh", {"-c", "echo kept > ~/file"})->exit_code(), 0);
  ASSERT_TRUE(sandbox.stop());
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(sandbox.command().run("sh", {"-c", "cat ~/file"})->output(), "kept");
}

TEST(Lifecycle, AnEmptyConfigMeansTheStoredDefinition) {
  const Kept kept("stored");
  {
    PythonSandbox first(kept.options());
    StartConfig config;
    config.envs = {"GREETING=hello"};
    ASSERT_TRUE(first.start(config));
  }
  Sandbox second(kept.options());
  const auto started = second.start();
  ASSERT_TRUE(started) << why(started);
  EXPECT_EQ(second.command().run("printenv", {"GREETING"})->output(), "hello");
}

TEST(Lifecycle, AnEphemeralNameMustNotHideFilesThatAreKept) {
  const Kept kept("hidden");
  {
    PythonSandbox first(kept.options());
    ASSERT_TRUE(first.start());
  }
  SandboxOptions options = kept.options();
  options.is_ephemeral = true;
  PythonSandbox second(options);
  const auto started = second.start();
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kAlreadyExists)) << why(started);
}

TEST(LifecycleHere, ANameIsRunByOneProgramAtATime) {
  const Kept kept("shared");
  PythonSandbox here(kept.options());
  ASSERT_TRUE(here.start());
  // An engine of its own is what another program would have.
  SandboxOptions options = kept.options();
  options.engine = *Engine::create();
  PythonSandbox there(options);
  const auto started = there.start();
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kConflict)) << why(started);
  const auto removed = there.remove();
  ASSERT_FALSE(removed);
  EXPECT_TRUE(removed.error().is(ErrorCode::kConflict)) << why(removed);
  ASSERT_TRUE(here.stop());
  EXPECT_TRUE(there.start());
}

TEST(Lifecycle, StartingARunningNameIsASuccessThatChangesNothing) {
  const Kept kept("twice");
  PythonSandbox first(kept.options());
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(first.code().run("x = 41"));
  {
    PythonSandbox second(kept.options());
    ASSERT_TRUE(second.start());
    EXPECT_EQ(second.code().run("x + 1")->output(), "42");
  }
  // The one that only joined has left it running.
  EXPECT_EQ(first.code().run("x")->output(), "41");
}

TEST(Lifecycle, AConfigForARunningNameIsForItsNextStart) {
  const Kept kept("redefined");
  PythonSandbox first(kept.options());
  StartConfig config;
  config.image = "microsandbox/python";
  config.envs = {"WHICH=first"};
  ASSERT_TRUE(first.start(config));
  {
    PythonSandbox second(kept.options());
    config.envs = {"WHICH=second"};
    ASSERT_TRUE(second.start(config));
    EXPECT_EQ(second.command().run("printenv", {"WHICH"})->output(), "first");
  }
  ASSERT_TRUE(first.stop());
  ASSERT_TRUE(first.start());
  EXPECT_EQ(first.command().run("printenv", {"WHICH"})->output(), "second");
}

TEST(LifecycleHere, ListTellsWhatIsDefinedAndWhatRuns) {
  const Kept kept("listed");
  PythonSandbox sandbox(kept.options());
  ASSERT_TRUE(sandbox.start());
  const auto engine = *Engine::instance();
  const auto find = [&]() -> SandboxInfo {
    const auto infos = engine->list();
    EXPECT_TRUE(infos) << why(infos);
    const auto found = std::ranges::find(*infos, kept.name(), &SandboxInfo::name);
    return found == infos->end() ? SandboxInfo{} : *found;
  };
  EXPECT_TRUE(find().is_running);
  EXPECT_EQ(find().image, "microsandbox/python");
  ASSERT_TRUE(sandbox.stop());
  EXPECT_EQ(find().name, kept.name());
  EXPECT_FALSE(find().is_running);
  ASSERT_TRUE(sandbox.remove());
  EXPECT_EQ(find().name, "");
}

TEST(LifecycleHere, ADetachedSandboxOutlivesItsObjectAndEndsWithItsEngine) {
  const Kept kept("detached");
  SandboxOptions options = kept.options();
  options.engine = *Engine::create();
  {
    PythonSandbox sandbox(options);
    ASSERT_TRUE(sandbox.start());
    ASSERT_TRUE(sandbox.code().run("x = 7"));
    sandbox.detach();
  }
  {
    PythonSandbox again(options);
    ASSERT_TRUE(again.start());
    EXPECT_EQ(again.code().run("x")->output(), "7");
  }
  options.engine.reset();
  PythonSandbox anew(kept.options());
  ASSERT_TRUE(anew.start());
  EXPECT_EQ(anew.code().run("x")->status(), "exception");
}

TEST(Lifecycle, AMovedSandboxGoesOn) {
  PythonSandbox first;
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(first.code().run("x = 5"));
  PythonSandbox second = std::move(first);
  EXPECT_EQ(second.code().run("x")->output(), "5");
  PythonSandbox third;
  ASSERT_TRUE(third.start());
  third = std::move(second);
  EXPECT_EQ(third.code().run("x")->output(), "5");
}

TEST(Lifecycle, StopEndsRunsThatAreInside) {
  PythonSandbox sandbox;
  ASSERT_TRUE(sandbox.start());
  std::jthread stopper;
  RunOptions options;
  options.on_output = [&](Stream, std::string_view) {
    stopper = std::jthread([&] { EXPECT_TRUE(sandbox.stop()); });
  };
  const auto run = sandbox.code().run("import time\nprint('in')\ntime.sleep(600)", options);
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
}

// The process of ours that has that name (or "memfd:" and that name) and was not there before.
pid_t new_process(const std::set<pid_t>& before, const std::string& name) {
  for (const pid_t pid : descendants_of(::getpid())) {
    if (!before.contains(pid) && process_name(pid).ends_with(name)) {
      return pid;
    }
  }
  return -1;
}

// What a sandbox runs under on the host, each of which takes it along.
std::vector<std::string> vital_processes() {
  if (usual_tier() == "oci:runsc") {
    return {"runsc"};  // the agent is none of the host's processes
  }
  if (usual_tier() == "microvm") {
    return {"msb-vm", "qemu-system-x86"};  // nor here
  }
  return usual_tier() == "jail" ? std::vector<std::string>{"agent"}
                                : std::vector<std::string>{"agent", usual_tier().substr(4)};
}

TEST(LifecycleHere, TheDeathOfASandboxIsNoticedAndItCanBeStartedAgain) {
  for (const std::string& name : vital_processes()) {
    SCOPED_TRACE(name);
    const std::set<pid_t> before = descendants_of(::getpid());
    PythonSandbox sandbox;
    ASSERT_TRUE(sandbox.start());
    const pid_t process = new_process(before, name);
    ASSERT_GT(process, 0);
    RunOptions options;
    options.on_output = [&](Stream, std::string_view) { ::kill(process, SIGKILL); };
    const auto run = sandbox.code().run("import time\nprint('in')\ntime.sleep(600)", options);
    ASSERT_FALSE(run);
    EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
    EXPECT_NE(run.error().message().find("signal 9"), std::string::npos) << why(run);
    EXPECT_FALSE(*sandbox.metrics().is_running());
    EXPECT_TRUE(sandbox.code().run("1").error().is(ErrorCode::kSandboxGone));
    ASSERT_TRUE(sandbox.start());
    EXPECT_EQ(sandbox.code().run("print(1)")->output(), "1");
  }
}

TEST(LifecycleHere, TheDeathOfTheWardenEndsItsSandboxesAndANewOneTakesOver) {
  SandboxOptions options;
  options.engine = *Engine::create();
  const std::set<pid_t> before = descendants_of(::getpid());
  PythonSandbox first(options);
  PythonSandbox second(options);
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(second.start());
  const pid_t warden = new_process(before, "msb-warden");
  ASSERT_GT(warden, 0);
  ASSERT_EQ(::kill(warden, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return !*first.metrics().is_running(); }));
  EXPECT_TRUE(eventually([&] { return !*second.metrics().is_running(); }));
  const auto run = first.code().run("1");
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
  for (PythonSandbox* sandbox : {&first, &second}) {
    const auto started = sandbox->start();
    ASSERT_TRUE(started) << why(started);
    EXPECT_EQ(sandbox->code().run("print(1)")->output(), "1");
  }
}

TEST(Lifecycle, AStartCanBeCancelledBeforeItBegins) {
  const std::stop_source stop;
  stop.request_stop();
  StartOptions options;
  options.stop = stop.get_token();
  PythonSandbox sandbox;
  const auto started = sandbox.start({}, options);
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kCancelled)) << why(started);
  EXPECT_TRUE(sandbox.start());
}

}  // namespace
}  // namespace msb::contract
