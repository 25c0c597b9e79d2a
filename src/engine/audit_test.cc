// SPDX-License-Identifier: Apache-2.0
//
// Each kind of leftover, planted in a home of its own.
#include "engine/audit.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "base/child_process.h"
#include "base/file.h"
#include "base/sys.h"
#include "engine/definitions.h"
#include "engine/engine_folder.h"
#include "engine/ofd_lock.h"
#include "engine/sandbox_folder.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

// The plants do not go by themselves, so there is nothing to wait for.
constexpr std::chrono::milliseconds kNoPatience{0};

class Auditing : public ::testing::Test {
 protected:
  const std::string& home() const { return folder_.path(); }

  AuditTopic topic(const std::string& name) const {
    const auto found = audit(home(), kNoPatience);
    EXPECT_TRUE(found);
    const auto at = std::ranges::find(found->topics, name, &AuditTopic::name);
    EXPECT_NE(at, found->topics.end()) << name;
    return *at;
  }

  void expect_one(const std::string& name, const std::string& what,
                  const std::string& remedy) const {
    const AuditTopic found = topic(name);
    ASSERT_EQ(found.leftovers.size(), 1u);
    EXPECT_THAT(found.leftovers[0].what, HasSubstr(what));
    EXPECT_THAT(found.leftovers[0].remedy, HasSubstr(remedy));
  }

  base::TempDir folder_ = *base::TempDir::create();
};

TEST_F(Auditing, AHomeThatDoesNotExistHasNothing) {
  const auto found = audit(home() + "/none", kNoPatience);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->engines.empty());
  for (const char* name : {"folders", "database", "mounts", "loop devices", "server"}) {
    const auto at = std::ranges::find(found->topics, name, &AuditTopic::name);
    ASSERT_NE(at, found->topics.end()) << name;
    EXPECT_TRUE(at->leftovers.empty()) << at->leftovers[0].what;
  }
  EXPECT_FALSE(fs::exists(home() + "/none"));
}

TEST_F(Auditing, AnEngineThatLivesIsListedWithItsProgram) {
  const auto engine = EngineFolder::create(home());
  ASSERT_TRUE(engine);
  const auto found = audit(home(), kNoPatience);
  ASSERT_EQ(found->engines.size(), 1u);
  EXPECT_EQ(found->engines[0].id, engine->id());
  EXPECT_EQ(found->engines[0].pid, ::getpid());
  EXPECT_EQ(found->engines[0].program, "engine_test");
  EXPECT_EQ(topic("folders").in_use, 1u);
}

TEST_F(Auditing, AFolderOfADeadEngineIsLeftOver) {
  ASSERT_TRUE(base::make_folders(home() + "/run/0123456789abcdef"));
  ASSERT_TRUE(base::write_file_atomic(home() + "/run/0123456789abcdef/lock", ""));
  expect_one("folders", "0123456789abcdef: its engine is dead", "next sandbox");
  EXPECT_EQ(topic("folders").leftovers[0].engine_id, "0123456789abcdef");
}

TEST_F(Auditing, ASandboxWithoutADefinitionIsLeftOverOnceNobodyRunsIt) {
  const Name name{.sandbox = "box"};
  auto folder = SandboxFolder::hold(home(), name);
  ASSERT_TRUE(folder);
  EXPECT_TRUE(topic("folders").leftovers.empty());
  folder->release();
  expect_one("folders", "sandboxes/default/box: no definition", "next sandbox");
  SandboxFolder::mark_defined(home(), name);  // and msb.db was lost
  expect_one("folders", "sandboxes/default/box: msb.db has no such", "msb rm --namespace default");
  auto definitions = Definitions::open(home() + "/msb.db");
  ASSERT_TRUE(definitions);
  ASSERT_TRUE((*definitions)->put({.name = name, .config = {}, .disk_base_bytes = 0}));
  EXPECT_TRUE(topic("folders").leftovers.empty());
  EXPECT_EQ(topic("database").in_use, 1u);
}

TEST_F(Auditing, ADefinitionWithoutAFolderIsLeftOver) {
  auto definitions = Definitions::open(home() + "/msb.db");
  ASSERT_TRUE(definitions);
  ASSERT_TRUE((*definitions)
                  ->put({.name = {.namespace_name = "team", .sandbox = "box"},
                         .config = {},
                         .disk_base_bytes = 0}));
  expect_one("database", "sandbox 'box' of namespace 'team'", "msb rm --namespace team box");
}

TEST_F(Auditing, DraftsAreLeftOverOnceNobodyWorksOnThem) {
  const std::string layer = "layer-" + std::string(64, 'a');
  ASSERT_TRUE(base::make_folders(home() + "/tmp/" + layer));
  expect_one("folders", layer, "msb image prune");
}

TEST_F(Auditing, AFileThatWasNotFinishedIsLeftOver) {
  ASSERT_TRUE(base::write_file_atomic(home() + "/index.json.abcdef", ""));
  expect_one("folders", "index.json.abcdef", "rm ");
}

TEST_F(Auditing, TheRecordOfADeadServerIsLeftOver) {
  ASSERT_TRUE(base::write_file_atomic(home() + "/server.pid", "4711\nurl http://127.0.0.1:1\n"));
  expect_one("server", "its server is dead", "msb server start");
}

TEST_F(Auditing, AMountOutsideOfEverySandboxIsLeftOver) {
  const std::string point = home() + "/run/staging";
  ASSERT_TRUE(base::make_folders(point));
  if (::mount("tmpfs", point.c_str(), "tmpfs", 0, "size=64k") < 0) {
    GTEST_SKIP() << "mounting needs root";
  }
  const AuditTopic mounts = topic("mounts");
  ::umount2(point.c_str(), MNT_DETACH);
  ASSERT_EQ(mounts.leftovers.size(), 1u);
  EXPECT_THAT(mounts.leftovers[0].what, HasSubstr(point));
  EXPECT_TRUE(topic("mounts").leftovers.empty());
}

// What stands in for one whose engine was killed and that does not notice: a program of its name
// that waits, with its arguments.
TEST_F(Auditing, AWardenWithoutAnEngineIsLeftOver) {
  const std::string program = home() + "/msb-warden";
  fs::copy_file("/bin/cat", program);
  ASSERT_EQ(::mkfifo((home() + "/serve").c_str(), 0600), 0);
  const std::string fifo = home() + "/serve";
  const base::UniqueFd open_end = *base::sys::open(fifo, O_RDWR);  // so that cat waits for bytes
  auto before = base::ChildProcess::spawn(
      {.path = program, .argv = {"msb-warden", fifo}, .env = {}, .fds = {}});
  ASSERT_TRUE(before);
  EXPECT_TRUE(topic("processes").leftovers.empty()) << "the name alone tells nothing";
  fs::current_path(home());
  auto warden = base::ChildProcess::spawn(
      {.path = program,
       .argv = {"msb-warden", "serve", home(), "agent", "0123456789abcdef"},
       .env = {},
       .fds = {}});
  ASSERT_TRUE(warden);
  const AuditTopic processes = topic("processes");
  fs::current_path("/");
  ASSERT_EQ(processes.leftovers.size(), 1u);
  EXPECT_THAT(processes.leftovers[0].what, HasSubstr("(msb-warden): its engine is dead"));
  EXPECT_EQ(processes.leftovers[0].remedy, "kill -9 " + std::to_string(warden->pid()));
}

TEST_F(Auditing, SweepingRemovesWhatWasNeverDefined) {
  const auto engine = EngineFolder::create(home());
  ASSERT_TRUE(engine);
  for (const char* name : {"kept", "left", "running", "lost"}) {
    ASSERT_TRUE(SandboxFolder::hold(home(), {.sandbox = name}));
  }
  SandboxFolder::mark_defined(home(), {.sandbox = "lost"});  // and msb.db knows nothing of it
  const auto running = SandboxFolder::hold(home(), {.sandbox = "running"});
  ASSERT_TRUE(running);
  sweep_undefined_sandboxes(home(), *engine,
                            [](const Name& name) { return name.sandbox == "kept"; });
  EXPECT_TRUE(fs::exists(home() + "/sandboxes/default/kept"));
  EXPECT_TRUE(fs::exists(home() + "/sandboxes/default/running"));
  EXPECT_FALSE(fs::exists(home() + "/sandboxes/default/left"));
  EXPECT_TRUE(fs::exists(home() + "/sandboxes/default/lost"));
  EXPECT_FALSE(SandboxFolder::is_marked_undefined(home(), {.sandbox = "kept"}));
}

}  // namespace
}  // namespace msb::engine
