// SPDX-License-Identifier: Apache-2.0
//
// When sandboxes are gone, everything of them is gone, however they ended.
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/sys.h"
#include "contract.h"
#include "host_traces.h"

namespace msb::contract {
namespace {

std::string home() {
  return (*Engine::instance())->home();
}

TEST(LeftoversHere, NothingAfterManySandboxes) {
  {
    PythonSandbox warm_up;  // brings up what the engine keeps: warden, database, cgroup
    ASSERT_TRUE(warm_up.start());
  }
  const HostTraces before = HostTraces::take(home());
  for (int i = 0; i < much(200); ++i) {
    PythonSandbox sandbox;
    StartConfig config;
    if (i % 10 == 0) {
      config.ports = {"0:8000"};
      config.exec = "sleep 600";
    }
    const auto started = sandbox.start(config);
    ASSERT_TRUE(started) << i << ": " << why(started);
    if (i % 5 == 0) {
      ASSERT_EQ(sandbox.code().run("print(1)")->output(), "1");
    }
  }
  EXPECT_EQ(HostTraces::take(home()).difference(before), "");
}

TEST(LeftoversHere, NothingAfterAnEngineIsGone) {
  const HostTraces before = HostTraces::take(home());
  {
    SandboxOptions options;
    options.engine = *Engine::create();
    PythonSandbox sandbox(options);
    ASSERT_TRUE(sandbox.start());
    sandbox.detach();
  }
  EXPECT_EQ(HostTraces::take(home()).difference(before), "");
}

// The engines whose folders are in run/.
std::set<std::string> engines() {
  std::set<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(home() + "/run")) {
    ids.insert(entry.path().filename());
  }
  return ids;
}

bool any_process_of_cgroup(const std::string& engine) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cgroup");
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    if (text.find("msb-" + engine) != std::string::npos) {
      return true;
    }
  }
  return false;
}

TEST(LeftoversHere, NothingAfterTheProgramIsKilled) {
  (void)Engine::instance();
  const std::set<std::string> before = engines();
  auto output = base::sys::pipe();
  ASSERT_TRUE(output);
  auto victim = base::ChildProcess::spawn({.path = MSB_VICTIM,
                                           .argv = {MSB_VICTIM},
                                           .env = {},
                                           .fds = {{output->write_end.get(), 1}, {2, 2}}});
  ASSERT_TRUE(victim) << why(victim);
  output->write_end.reset();
  std::array<std::byte, 6> word;
  const auto ready = base::sys::read(output->read_end.get(), word);
  ASSERT_TRUE(ready && *ready > 0) << "the victim could not start";
  std::string engine;
  for (const std::string& id : engines()) {
    if (!before.contains(id)) {
      engine = id;
    }
  }
  ASSERT_FALSE(engine.empty());
  ASSERT_TRUE(any_process_of_cgroup(engine));
  ASSERT_TRUE(victim->signal(SIGKILL));
  ASSERT_TRUE(victim->wait());
  // The kernel and the warden end everything that runs, at once and unasked ...
  EXPECT_TRUE(eventually([&] { return !any_process_of_cgroup(engine); }));
  // ... and what is left on disk is swept by the next engine.
  {
    SandboxOptions options;
    options.engine = *Engine::create();
    PythonSandbox sandbox(options);
    ASSERT_TRUE(sandbox.start());
  }
  EXPECT_FALSE(std::filesystem::exists(home() + "/run/" + engine));
  for (const auto& hierarchy : std::filesystem::directory_iterator("/sys/fs/cgroup")) {
    EXPECT_FALSE(std::filesystem::exists(hierarchy.path() / ("msb-" + engine))) << hierarchy.path();
  }
}

// Of the engines of this program, the one that has so many sandboxes.
std::optional<HostAudit::Engine> engine_of_many(std::int64_t sandboxes) {
  const auto audit = audit_host(home());
  EXPECT_TRUE(audit);
  for (const HostAudit::Engine& engine : audit->engines) {
    if (engine.pid == ::getpid() && engine.sandboxes == sandboxes) {
      return engine;
    }
  }
  return std::nullopt;
}

std::string left_over(const std::string& engine) {
  std::string text;
  const auto audit = audit_host(home());
  for (const HostAudit::Topic& topic : audit->topics) {
    for (const HostAudit::Leftover& leftover : topic.leftovers) {
      if (leftover.engine_id.empty() || leftover.engine_id == engine) {
        text += topic.name + ": " + leftover.what + "\n";
      }
    }
  }
  return text;
}

// Neither its own process, nor the cgroups of its sandboxes, also when no sandbox follows.
TEST(LeftoversHere, NothingAfterTheWardenIsKilled) {
  SandboxOptions options;
  options.engine = *Engine::create();
  std::vector<PythonSandbox> sandboxes;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(sandboxes.emplace_back(options).start());
  }
  const auto engine = engine_of_many(3);
  ASSERT_TRUE(engine);
  ASSERT_EQ(::kill(static_cast<pid_t>(engine->warden_pid), SIGKILL), 0);
  for (PythonSandbox& sandbox : sandboxes) {
    Result<CodeExecution> run;
    ASSERT_TRUE(eventually([&] { return !(run = sandbox.code().run("1")); }));
    EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
    EXPECT_NE(why(run).find("the warden process has ended"), std::string::npos) << why(run);
  }
  const std::string processes = left_over(engine->id);
  EXPECT_EQ(processes.find("processes:"), std::string::npos) << processes;
  ASSERT_TRUE(sandboxes[0].start());  // with a new warden
  EXPECT_EQ(left_over(engine->id), "");
}

}  // namespace
}  // namespace msb::contract
