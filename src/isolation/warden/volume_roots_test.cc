// SPDX-License-Identifier: Apache-2.0
//
// The warden against a server that somebody has taken over: it passes descriptors of whatever it
// likes.
#include "isolation/warden/volume_roots.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::warden {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;

class VolumeRootsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root() + "/project/src");
    fs::create_directories(folder_.path() + "/root-not");
    ASSERT_TRUE(base::write_file_atomic(root() + "/file", "x", 0600).has_value());
  }
  std::string root() const { return folder_.path() + "/root"; }
  // "": admitted, as the same file.
  std::string verdict(const std::string& path) const {
    return verdict(sys::open(path, O_PATH | O_NOFOLLOW).value());
  }
  std::string verdict(base::UniqueFd source) const {
    const struct stat before = sys::fstat(source.get()).value();
    const auto admitted = roots_.admit(std::move(source));
    if (!admitted) {
      EXPECT_EQ(admitted.error().code(), ErrorCode::kPermissionDenied);
      return admitted.error().message();
    }
    const struct stat after = sys::fstat(admitted->get()).value();
    return before.st_ino == after.st_ino && before.st_dev == after.st_dev ? "" : "another file";
  }

  base::TempDir folder_ = base::TempDir::create().value();
  VolumeRoots roots_{std::vector{folder_.path() + "/missing", root() + "/"}};
};

constexpr const char* kRefused = "not beneath a volume root of this server";

TEST_F(VolumeRootsTest, WhatLiesBeneathARootIsAdmitted) {
  EXPECT_EQ(verdict(root()), "");
  EXPECT_EQ(verdict(root() + "/project/src"), "");
  EXPECT_EQ(verdict(root() + "/file"), "");
}

TEST_F(VolumeRootsTest, ADescriptorOfAnythingElseIsNot) {
  for (const std::string path :
       {"/", "/etc", "/proc", "/sys", "/dev", "/proc/self", "/etc/passwd"}) {
    EXPECT_EQ(verdict(path), kRefused) << path;
  }
  EXPECT_EQ(verdict(folder_.path()), kRefused) << "the folder above";
  EXPECT_EQ(verdict(folder_.path() + "/root-not"), kRefused) << "a name that begins like a root";
}

TEST_F(VolumeRootsTest, NorALinkOrWhatALinkBeneathARootPointsTo) {
  fs::create_directory_symlink("/etc", root() + "/link");
  EXPECT_EQ(verdict(root() + "/link"), kRefused);
  EXPECT_EQ(verdict(sys::open(root() + "/link", O_PATH).value()), kRefused);
}

TEST_F(VolumeRootsTest, NorWhatIsNotThereAnyMore) {
  auto gone = sys::open(root() + "/project/src", O_PATH).value();
  fs::remove(root() + "/project/src");
  EXPECT_EQ(verdict(std::move(gone)), kRefused);
}

TEST_F(VolumeRootsTest, NorAnotherFileUnderTheOldName) {
  auto moved = sys::open(root() + "/project/src", O_PATH).value();
  // The kernel names it where it is now; what stands at its old place has nothing to do with it.
  fs::rename(root() + "/project/src", folder_.path() + "/outside");
  fs::create_directory(root() + "/project/src");
  EXPECT_EQ(verdict(std::move(moved)), kRefused);
}

TEST_F(VolumeRootsTest, ARootThatIsALinkIsNone) {
  fs::create_directory_symlink("/etc", folder_.path() + "/linked-root");
  const VolumeRoots roots{std::vector{folder_.path() + "/linked-root"}};
  EXPECT_FALSE(roots.admit(sys::open("/etc", O_PATH).value()).has_value());
}

TEST_F(VolumeRootsTest, WithoutRootsThereAreNoVolumes) {
  const VolumeRoots none{std::vector<std::string>()};
  EXPECT_FALSE(none.admit(sys::open(root(), O_PATH).value()).has_value());
}

TEST_F(VolumeRootsTest, AProgramsOwnWardenTakesAny) {
  EXPECT_TRUE(VolumeRoots(std::nullopt).admit(sys::open("/etc", O_PATH).value()).has_value());
}

}  // namespace
}  // namespace msb::isolation::warden
