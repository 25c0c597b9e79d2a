// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace msb::base {
namespace {

TEST(File, ReplacesContentInOneStep) {
  const TempDir folder = *TempDir::create();
  const std::string path = folder.path() + "/x";
  ASSERT_TRUE(write_file_atomic(path, "one", 0600));
  ASSERT_TRUE(write_file_atomic(path, "two", 0600));
  EXPECT_EQ(read_file(path, 100).value(), "two");
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
  // Nothing is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);
}

TEST(File, RefusesToReadMoreThanAsked) {
  const TempDir folder = *TempDir::create();
  const std::string path = folder.path() + "/x";
  ASSERT_TRUE(write_file_atomic(path, "12345"));
  EXPECT_EQ(read_file(path, 5).value(), "12345");
  EXPECT_EQ(read_file(path, 4).error().code(), ErrorCode::kCorrupt);
}

TEST(File, MakesNestedFoldersOnce) {
  const TempDir folder = *TempDir::create();
  const std::string path = folder.path() + "/a/b/c";
  ASSERT_TRUE(make_folders(path));
  ASSERT_TRUE(make_folders(path));
  EXPECT_TRUE(std::filesystem::is_directory(path));
}

TEST(TempDir, IsGoneWithItsOwner) {
  std::string path;
  {
    const TempDir folder = *TempDir::create();
    path = folder.path();
    ASSERT_TRUE(write_file_atomic(path + "/x", "y"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace msb::base
