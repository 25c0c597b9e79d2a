// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/in_root.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace fs = std::filesystem;

class InRootTest : public testing::Test {
 protected:
  void SetUp() override {
    auto created = base::TempDir::create();
    ASSERT_TRUE(created.has_value());
    temp_.emplace(std::move(*created));
    fs::create_directories(root() + "/etc");
    fs::create_directories(outside());
    auto opened = base::sys::open(root(), O_PATH | O_DIRECTORY);
    ASSERT_TRUE(opened.has_value());
    root_fd_ = std::move(*opened);
  }

  std::string root() const { return temp_->path() + "/root"; }
  std::string outside() const { return temp_->path() + "/outside"; }

  std::optional<base::TempDir> temp_;
  base::UniqueFd root_fd_;
};

TEST_F(InRootTest, MakesFoldersWithTheirParents) {
  ASSERT_TRUE(make_folder_in_root(root_fd_.get(), "/a/b/c", 0700).has_value());
  EXPECT_TRUE(fs::is_directory(root() + "/a/b/c"));
  ASSERT_TRUE(make_folder_in_root(root_fd_.get(), "/a/b/c", 0700).has_value());
}

TEST_F(InRootTest, AnAbsoluteLinkStaysInside) {
  fs::create_symlink(outside(), root() + "/link");
  fs::create_directories(root() + outside());
  ASSERT_TRUE(make_folder_in_root(root_fd_.get(), "/link/made", 0755).has_value());
  EXPECT_FALSE(fs::exists(outside() + "/made"));
  EXPECT_TRUE(fs::exists(root() + outside() + "/made"));
}

TEST_F(InRootTest, ARelativeLinkCannotClimbOut) {
  fs::create_symlink("../../../../../../outside", root() + "/etc/up");
  ASSERT_FALSE(make_folder_in_root(root_fd_.get(), "/etc/up/made", 0755).has_value());
  EXPECT_TRUE(fs::is_empty(outside()));
}

TEST_F(InRootTest, ADanglingLinkIsNotFollowedByMaking) {
  fs::create_symlink(outside() + "/file", root() + "/etc/hosts");
  EXPECT_FALSE(make_file_in_root(root_fd_.get(), "/etc/hosts").has_value());
  EXPECT_TRUE(fs::is_empty(outside()));
}

TEST_F(InRootTest, MakesFilesButKeepsWhatIsThere) {
  ASSERT_TRUE(make_file_in_root(root_fd_.get(), "/etc/app/config").has_value());
  EXPECT_EQ(fs::file_size(root() + "/etc/app/config"), 0u);
  ASSERT_TRUE(base::write_file_atomic(root() + "/etc/app/config", "kept").has_value());
  ASSERT_TRUE(make_file_in_root(root_fd_.get(), "/etc/app/config").has_value());
  EXPECT_EQ(fs::file_size(root() + "/etc/app/config"), 4u);
}

TEST_F(InRootTest, ATopFolderMayNotBeALink) {
  fs::create_symlink("etc", root() + "/proc");
  const auto made = make_top_folder(root_fd_.get(), "proc", 0555);
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().message(), "the image's /proc is a link, not a folder");
}

}  // namespace
}  // namespace msb::isolation::jail
