// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/disk_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;

constexpr std::uint64_t kSize = 32 << 20;
constexpr off_t kStateOffset = 1024 + 0x3a;

class DiskImageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::access("/usr/sbin/mkfs.ext4", X_OK) != 0 && ::access("/sbin/mkfs.ext4", X_OK) != 0) {
      GTEST_SKIP() << "mkfs.ext4 is not installed";
    }
    auto created = base::TempDir::create();
    ASSERT_TRUE(created.has_value());
    temp_.emplace(std::move(*created));
    fs::create_directory(temp_->path() + "/box");
    fs::create_directory(temp_->path() + "/tmp");
    box_ = open_folder("/box");
    templates_ = open_folder("/tmp");
  }

  base::UniqueFd open_folder(const std::string& name) {
    auto opened = sys::open(temp_->path() + name, O_RDONLY | O_DIRECTORY);
    EXPECT_TRUE(opened.has_value());
    return std::move(*opened);
  }

  Result<base::UniqueFd> open(std::uint64_t size = kSize) {
    return open_disk_image(box_.get(), templates_.get(), size);
  }

  std::uint16_t state(int image) {
    std::uint16_t value = 0;
    EXPECT_EQ(::pread(image, &value, sizeof value, kStateOffset), 2);
    return value;
  }

  std::optional<base::TempDir> temp_;
  base::UniqueFd box_;
  base::UniqueFd templates_;
};

TEST_F(DiskImageTest, ManyFirstProcessesMakeTheEmptyOneAtOnce) {
  auto gate = sys::pipe();
  ASSERT_TRUE(gate);
  constexpr int kNoNamespace = 77;
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const std::string box = "/box" + std::to_string(i);
    fs::create_directory(temp_->path() + box);
    children.push_back(::fork());
    if (children.back() == 0) {
      gate->write_end.reset();
      if (::unshare(CLONE_NEWPID) < 0) {
        ::_exit(kNoNamespace);
      }
      const pid_t first = ::fork();
      if (first == 0) {
        char none = 0;
        [[maybe_unused]] const auto open = ::read(gate->read_end.get(), &none, 1);  // the gate
        const base::UniqueFd folder = open_folder(box);
        ::_exit(open_disk_image(folder.get(), templates_.get(), kSize) ? 0 : 1);
      }
      int status = 0;
      ::_exit(::waitpid(first, &status, 0) == first && WIFEXITED(status) ? WEXITSTATUS(status) : 2);
    }
  }
  gate->write_end.reset();
  std::vector<int> ends;
  for (const pid_t child : children) {
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    ends.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  }
  if (ends == std::vector(children.size(), kNoNamespace)) {
    GTEST_SKIP() << "no PID namespaces here";
  }
  EXPECT_EQ(ends, std::vector(children.size(), 0));
}

TEST_F(DiskImageTest, IsSparseAndAsLargeAsAsked) {
  const auto image = open();
  ASSERT_TRUE(image.has_value()) << image.error().message();
  const auto status = sys::fstat(image->get());
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->st_size, static_cast<off_t>(kSize));
  EXPECT_LT(status->st_blocks * 512, 1 << 20);
}

TEST_F(DiskImageTest, KeepsOneTemplatePerSizeAndNoDrafts) {
  ASSERT_TRUE(open().has_value());
  fs::remove(temp_->path() + "/box/disk.img");
  ASSERT_TRUE(open().has_value());
  fs::remove(temp_->path() + "/box/disk.img");
  ASSERT_TRUE(open(2 * kSize).has_value());
  const auto count = [](const std::string& folder) {
    return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
  };
  EXPECT_EQ(count(temp_->path() + "/tmp"), 2);
  EXPECT_EQ(count(temp_->path() + "/box"), 1);
}

TEST_F(DiskImageTest, AnExistingImageKeepsItsSize) {
  ASSERT_TRUE(open().has_value());
  const auto image = open(4 * kSize);
  ASSERT_TRUE(image.has_value());
  EXPECT_EQ(sys::fstat(image->get())->st_size, static_cast<off_t>(kSize));
}

TEST_F(DiskImageTest, IsLockedWhileItIsOpen) {
  const auto image = open();
  ASSERT_TRUE(image.has_value());
  const auto other = sys::open(temp_->path() + "/box/disk.img", O_RDWR);
  ASSERT_TRUE(other.has_value());
  EXPECT_LT(::flock(other->get(), LOCK_EX | LOCK_NB), 0);
  EXPECT_EQ(errno, EWOULDBLOCK);
}

TEST_F(DiskImageTest, IsRepairedAfterACrashOfTheHost) {
  {
    const auto image = open();
    ASSERT_TRUE(image.has_value());
    ASSERT_EQ(state(image->get()) & 1, 1);
    // What a mount leaves that never ended: the mark of a proper unmount is missing, and what is in
    // use is not counted. (The count of free blocks of the first group, in its descriptor.)
    const std::uint16_t none = 0;
    ASSERT_EQ(::pwrite(image->get(), &none, sizeof none, kStateOffset), 2);
    ASSERT_EQ(::pwrite(image->get(), &none, sizeof none, 4096 + 12), 2);
  }
  const auto image = open();
  ASSERT_TRUE(image.has_value()) << image.error().message();
  EXPECT_EQ(state(image->get()) & 1, 1);
}

TEST_F(DiskImageTest, SaysSoWhenItCannotBeRepaired) {
  ASSERT_TRUE(base::write_file_atomic(temp_->path() + "/box/disk.img", std::string(1 << 20, 'x'))
                  .has_value());
  const auto image = open();
  ASSERT_FALSE(image.has_value());
  EXPECT_EQ(image.error().code(), ErrorCode::kCorrupt);
  EXPECT_NE(image.error().message().find("remove the sandbox to start afresh"), std::string::npos);
}

}  // namespace
}  // namespace msb::isolation::jail
