// SPDX-License-Identifier: Apache-2.0
//
// Layers of what sandboxes have written, and what a guest could write to do harm by it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/sys.h"
#include "image/testing/store_fixture.h"
#include "image/testing/tar_builder.h"
#include "image/unpack/protocol.h"

namespace msb::image {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TarBuilder;

constexpr std::uint32_t kOwner = unpack::kStoreIdBase + 3 * unpack::kStoreIdCount;

// A writable layer as a sandbox of the fourth range has it, on an image with two files.
class Commit : public testing::StoreFixture {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "needs root: files of other owners";
    }
    StoreFixture::SetUp();
    base_ = import_one(
                write("rootfs.tar", TarBuilder().file("etc/one", "1").file("etc/two", "2").build()))
                .value();
    for (const char* name : {"", "/upper", "/work"}) {
      fs::create_directory(path("layer") + name);
      give(path("layer") + name, 0);
    }
  }

  static void give(const std::string& file, std::uint32_t id) {
    ASSERT_EQ(::lchown(file.c_str(), kOwner + id, kOwner + id), 0) << file;
  }
  std::string upper(const std::string& name) const { return path("layer/upper/") + name; }
  void folder(const std::string& name, mode_t mode = 0755) const {
    ASSERT_EQ(::mkdir(upper(name).c_str(), mode), 0) << name;
    give(upper(name), 0);
  }
  void file(const std::string& name, const std::string& content, std::uint32_t id = 0) const {
    write("layer/upper/" + name, content);
    give(upper(name), id);
  }

  Result<Image> commit(const std::string& name = "snapshot", std::stop_token stop = {}) {
    const auto layer = base::sys::open(path("layer"), O_PATH | O_DIRECTORY);
    return store_->commit(base_.digest, layer->get(), name, std::move(stop));
  }
  // The root of the new layer.
  std::string committed() {
    const auto image = commit();
    EXPECT_TRUE(image) << image.error().message();
    return image ? image->layer_paths.back() : "/nonexistent";
  }
  std::string refusal() {
    const std::size_t before = store_->list()->size();
    const auto image = commit();
    EXPECT_FALSE(image);
    EXPECT_EQ(store_->list()->size(), before);
    return image ? "" : image.error().message();
  }

  static struct stat stat_of(const std::string& file) {
    struct stat status{};
    EXPECT_EQ(::lstat(file.c_str(), &status), 0) << file;
    return status;
  }

  Image base_;
};

TEST_F(Commit, IsTheBaseWithOneLayerOnTop) {
  file("new", "content");
  const auto image = commit("snapshot:2");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->reference, "docker.io/library/snapshot:2");
  ASSERT_EQ(image->layer_paths.size(), 2u);
  EXPECT_EQ(image->layer_paths[0], base_.layer_paths[0]);
  EXPECT_EQ(read(image->layer_paths[1] + "/new"), "content");
  EXPECT_EQ(image->config.env, base_.config.env);
  EXPECT_EQ(image->config.cmd, base_.config.cmd);
  EXPECT_TRUE(image->created.starts_with("20")) << image->created;
  // Found again, and gone with its name; the base stays.
  EXPECT_EQ((*store_->find("snapshot:2"))->digest, image->digest);
  EXPECT_TRUE(store_->find("test")->has_value());
}

TEST_F(Commit, KeepsModesOwnersLinksAndHoles) {
  file("tool", "body", 1000);
  ASSERT_EQ(::chmod(upper("tool").c_str(), 04751), 0);
  fs::create_hard_link(upper("tool"), upper("same"));
  fs::create_symlink("../../etc/shadow", upper("link"));
  give(upper("link"), 7);
  ASSERT_EQ(::mkfifo(upper("fifo").c_str(), 0600), 0);
  folder("private", 0700);
  file("private/caf\xe9", "not UTF-8");
  file("holes", "begin");
  ASSERT_EQ(::truncate(upper("holes").c_str(), 1 << 30), 0);
  file("hole", "");
  ASSERT_EQ(::truncate(upper("hole").c_str(), 1 << 30), 0);
  ASSERT_EQ(::setxattr(upper("tool").c_str(), "user.mark", "x", 1, 0), 0);
  ASSERT_EQ(::setxattr(upper("tool").c_str(), "user.overlay.origin", "x", 1, 0), 0);
  ASSERT_EQ(::chmod(path("layer/upper").c_str(), 0711), 0);

  const std::string root = committed();
  const struct stat tool = stat_of(root + "/tool");
  EXPECT_EQ(tool.st_mode & 07777, 04751u);
  EXPECT_EQ(tool.st_uid, unpack::kStoreIdBase + 1000);
  EXPECT_EQ(tool.st_nlink, 2u);
  EXPECT_EQ(stat_of(root + "/same").st_ino, tool.st_ino);
  EXPECT_EQ(fs::read_symlink(root + "/link"), "../../etc/shadow");
  EXPECT_EQ(stat_of(root + "/link").st_uid, unpack::kStoreIdBase + 7);
  EXPECT_TRUE(S_ISFIFO(stat_of(root + "/fifo").st_mode));
  EXPECT_EQ(stat_of(root + "/private").st_mode & 07777, 0700u);
  EXPECT_EQ(read(root + "/private/caf\xe9"), "not UTF-8");
  for (const char* name : {"/holes", "/hole"}) {
    EXPECT_EQ(stat_of(root + name).st_size, 1 << 30);
    EXPECT_LT(stat_of(root + name).st_blocks, 100);
  }
  std::string begin(6, '?');
  std::ifstream(root + "/holes", std::ios::binary).read(begin.data(), 6);
  EXPECT_EQ(begin, std::string("begin\0", 6));
  char value[2];
  EXPECT_EQ(::getxattr((root + "/tool").c_str(), "user.mark", value, sizeof value), 1);
  EXPECT_LT(::getxattr((root + "/tool").c_str(), "user.overlay.origin", value, sizeof value), 0);
  EXPECT_EQ(stat_of(root).st_mode & 07777, 0711u);
}

TEST_F(Commit, KeepsWhatWasRemoved) {
  folder("etc");
  ASSERT_EQ(::mknod(upper("etc/one").c_str(), S_IFCHR, makedev(0, 0)), 0);
  folder("etc/two");
  ASSERT_EQ(::setxattr(upper("etc/two").c_str(), "user.overlay.opaque", "y", 1, 0), 0);
  file("etc/two/new", "");
  const std::string root = committed();
  const struct stat one = stat_of(root + "/etc/one");
  EXPECT_TRUE(S_ISCHR(one.st_mode) && one.st_rdev == makedev(0, 0));
  char value[2];
  EXPECT_EQ(::getxattr((root + "/etc/two").c_str(), "user.overlay.opaque", value, sizeof value), 1);
  EXPECT_TRUE(fs::exists(root + "/etc/two/new"));
}

TEST_F(Commit, DevicesAndSocketsStayBehind) {
  ASSERT_EQ(::mknod(upper("memory").c_str(), S_IFCHR | 0666, makedev(1, 1)), 0);
  ASSERT_EQ(::mknod(upper("disk").c_str(), S_IFBLK | 0666, makedev(7, 0)), 0);
  ASSERT_EQ(::mknod(upper("socket").c_str(), S_IFSOCK | 0666, 0), 0);
  file("file", "");
  const std::string root = committed();
  EXPECT_TRUE(fs::exists(root + "/file"));
  for (const char* name : {"/memory", "/disk", "/socket"}) {
    EXPECT_FALSE(fs::exists(fs::symlink_status(root + name))) << name;
  }
}

TEST_F(Commit, LinksLeadNowhere) {
  fs::create_directory_symlink("/etc", upper("linked"));
  give(upper("linked"), 0);
  const std::string root = committed();
  EXPECT_TRUE(fs::is_symlink(root + "/linked"));
  // The layer itself must not be one.
  fs::remove_all(path("layer/upper"));
  fs::create_directory_symlink("/etc", path("layer/upper"));
  EXPECT_THAT(refusal(), HasSubstr("upper"));
}

TEST_F(Commit, WhatNoLayerCanTellIsNamed) {
  file(".wh.etc", "");
  EXPECT_THAT(refusal(), HasSubstr(".wh.etc"));
}

TEST_F(Commit, TooMuchIsRefused) {
  file("huge", "");
  ASSERT_EQ(::truncate(upper("huge").c_str(), 33LL << 30), 0);
  EXPECT_THAT(refusal(), HasSubstr("larger than"));
  ASSERT_EQ(::truncate(upper("huge").c_str(), 0), 0);
  std::string deep = upper("d");
  for (int i = 0; i < 300; ++i) {
    ASSERT_EQ(::mkdir(deep.c_str(), 0755), 0);
    give(deep, 0);
    deep += "/d";
  }
  EXPECT_THAT(refusal(), HasSubstr("too deep"));
}

// The first name of each is remembered for the others: a guest may have millions, of 4,000 bytes.
TEST_F(Commit, TooManyHardLinksAreRefused) {
  std::string deep;
  for (int i = 0; i < 15; ++i) {
    deep += "/" + std::string(255, 'd');
    folder(deep.substr(1));
  }
  const base::UniqueFd parent = *base::sys::open(upper(deep), O_PATH | O_DIRECTORY);
  const auto add = [&](int number) {
    const std::string name = std::to_string(number);
    ASSERT_TRUE(base::sys::openat(parent.get(), name, O_WRONLY | O_CREAT, 0644));
    ASSERT_EQ(::linkat(parent.get(), name.c_str(), parent.get(), (name + "l").c_str(), 0), 0);
  };
  for (int i = 0; i < 100; ++i) {
    add(i);
  }
  EXPECT_EQ(stat_of(committed() + deep + "/99").st_nlink, 2u);
  for (int i = 100; static_cast<std::size_t>(i) * deep.size() < 64u << 20; ++i) {
    ASSERT_NO_FATAL_FAILURE(add(i));
  }
  const auto image = commit();
  ASSERT_FALSE(image);
  EXPECT_TRUE(image.error().is(ErrorCode::kResourceExhausted)) << image.error().message();
  EXPECT_THAT(image.error().message(), HasSubstr("too many files with hard links"));
}

// Whose files they are is told from where the guest has no name, and never the host's.
TEST_F(Commit, FilesOfNobodysSandboxAreNotRead) {
  file("file", "");
  for (const std::uint32_t owner : {0u, 1000u, kOwner + 5}) {
    ASSERT_EQ(::chown(path("layer/work").c_str(), owner, owner), 0);
    EXPECT_THAT(refusal(), HasSubstr("which is no sandbox"));
  }
}

TEST_F(Commit, CanBeCancelled) {
  file("file", "");
  const std::stop_source stop;
  stop.request_stop();
  const auto image = commit("snapshot", stop.get_token());
  ASSERT_FALSE(image);
  EXPECT_TRUE(image.error().is(ErrorCode::kCancelled)) << image.error().message();
}

TEST_F(Commit, ANameMustBeOne) {
  for (const char* name : {"", "Bad Name", "a@sha256:0"}) {
    const auto image = commit(name);
    ASSERT_FALSE(image) << name;
    EXPECT_TRUE(image.error().is(ErrorCode::kInvalidArgument)) << image.error().message();
  }
}

}  // namespace
}  // namespace msb::image
