// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <optional>
#include <string>

#include "base/file.h"
#include "engine/engine_folder.h"
#include "engine/ofd_lock.h"
#include "engine/sandbox_folder.h"
#include "engine/sandbox_log.h"

namespace msb::engine {
namespace {

namespace fs = std::filesystem;

class Folders : public ::testing::Test {
 protected:
  std::string home() const { return folder_.path(); }
  base::TempDir folder_ = *base::TempDir::create();
  const Name name_{.sandbox = "box"};
};

TEST_F(Folders, AnEnginesFolderIsPrivateAndGoesWithIt) {
  std::string path;
  {
    const auto engine = EngineFolder::create(home());
    ASSERT_TRUE(engine) << engine.error().message();
    path = engine->path();
    EXPECT_EQ(engine->id().size(), 16u);
    struct stat status{};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Folders, TheSweepRemovesDeadEnginesAndLeavesLivingOnes) {
  const auto living = EngineFolder::create(home());
  ASSERT_TRUE(living);
  const std::string dead = home() + "/run/0123456789abcdef";
  ASSERT_TRUE(base::make_folders(dead + "/instance"));
  ASSERT_TRUE(base::write_file_atomic(dead + "/lock", ""));
  const std::string draft = home() + "/run/.new-0123456789abcdef";  // being made right now
  ASSERT_TRUE(base::make_folders(draft));
  sweep_dead_engines(home());
  EXPECT_FALSE(fs::exists(dead));
  EXPECT_TRUE(fs::exists(living->path()));
  EXPECT_TRUE(fs::exists(draft));
  fs::last_write_time(draft, fs::file_time_type::clock::now() - std::chrono::hours(1));
  sweep_dead_engines(home());
  EXPECT_FALSE(fs::exists(draft));
}

TEST_F(Folders, ASandboxesFolderIsHeldOnce) {
  EXPECT_FALSE(SandboxFolder::is_held(home(), name_));
  auto first = SandboxFolder::hold(home(), name_);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_TRUE(first->is_new());
  EXPECT_TRUE(SandboxFolder::is_held(home(), name_));
  const auto second = SandboxFolder::hold(home(), name_);
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(ErrorCode::kConflict));
  first->release();
  EXPECT_FALSE(SandboxFolder::is_held(home(), name_));
  const auto third = SandboxFolder::hold(home(), name_);
  ASSERT_TRUE(third);
  EXPECT_FALSE(third->is_new());
}

TEST_F(Folders, DiscardingTheLastOneLeavesNoNamespace) {
  const auto engine = EngineFolder::create(home());
  auto folder = SandboxFolder::hold(home(), name_);
  ASSERT_TRUE(folder);
  ASSERT_TRUE(base::write_file_atomic(folder->path() + "/disk.img", "x"));
  ASSERT_TRUE(folder->discard(*engine));
  EXPECT_TRUE(fs::is_empty(home() + "/sandboxes"));
  EXPECT_TRUE(SandboxFolder::hold(home(), name_));
}

TEST_F(Folders, DiscardingRemovesWhatCouldNotBeRemovedEarlier) {
  const auto engine = EngineFolder::create(home());
  auto folder = SandboxFolder::hold(home(), name_);
  ASSERT_TRUE(folder);
  ASSERT_TRUE(base::make_folders(engine->path() + "/gone-0123456789abcdef"));
  ASSERT_TRUE(folder->discard(*engine));
  EXPECT_FALSE(fs::exists(engine->path() + "/gone-0123456789abcdef"));
}

TEST_F(Folders, ALockOnAFileThatWasReplacedIsWorthNothing) {
  const std::string path = home() + "/lock";
  const auto old = try_lock_file(path);
  ASSERT_TRUE(old && *old);
  ASSERT_TRUE(fs::remove(path));
  const auto anew = try_lock_file(path);
  ASSERT_TRUE(anew && *anew);
  EXPECT_TRUE(is_locked(path));
}

TEST_F(Folders, EphemeralFilesGoWithTheirLastOwner) {
  auto files = std::make_shared<EphemeralFiles>(home() + "/e");
  {
    auto folder = SandboxFolder::hold(files);
    ASSERT_TRUE(folder);
    EXPECT_TRUE(folder->is_new());
    EXPECT_TRUE(folder->is_ephemeral());
    folder->release();
  }
  EXPECT_TRUE(fs::exists(home() + "/e"));
  EXPECT_FALSE(SandboxFolder::hold(files)->is_new());
  files.reset();
  EXPECT_FALSE(fs::exists(home() + "/e"));
}

TEST_F(Folders, TheLogKeepsTheNewestAndIsBounded) {
  SandboxLog log(home());
  EXPECT_EQ(*log.tail(100), "");
  const std::string block(1024 * 1024, 'a');
  for (int i = 0; i < 25; ++i) {
    ASSERT_TRUE(log.append(block));
  }
  ASSERT_TRUE(log.append("the end"));
  EXPECT_EQ(*log.tail(9), "aathe end");
  EXPECT_LE(fs::file_size(home() + "/log"), SandboxLog::kMaxLogBytes);
  EXPECT_EQ(fs::file_size(home() + "/log.old"), SandboxLog::kMaxLogBytes);
  // Across the two files, without a gap.
  EXPECT_EQ(log.tail(12 * block.size())->size(), 12 * block.size());
}

}  // namespace
}  // namespace msb::engine
