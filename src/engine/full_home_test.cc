// SPDX-License-Identifier: Apache-2.0
#include "engine/full_home.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <cerrno>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/sys.h"

namespace msb::engine {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class FullHome : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=1m") < 0) {
      GTEST_SKIP() << "a small file system needs root";
    }
  }
  void TearDown() override { ::umount2(folder_.path().c_str(), MNT_DETACH); }

  void fill() {
    const auto file = base::sys::open(folder_.path() + "/filler", O_WRONLY | O_CREAT, 0600);
    ASSERT_TRUE(file);
    ASSERT_FALSE(base::write_all(file->get(), std::string(2 << 20, 'x')));
  }

  base::TempDir folder_ = *base::TempDir::create();
};

TEST_F(FullHome, IsNamedWithTheWayOut) {
  const Error full = base::sys::error_of(ENOSPC, "mkdir", "x");
  EXPECT_THAT(explain_full_home(full, folder_.path()).message(), Not(HasSubstr("is full")));
  fill();
  const Error explained = explain_full_home(full, folder_.path());
  EXPECT_TRUE(explained.is(ErrorCode::kDiskFull));
  EXPECT_THAT(explained.message(), HasSubstr(folder_.path() + " is full; remove sandboxes"));
  EXPECT_THAT(explained.message(), HasSubstr("mkdir(x): No space left on device"));
}

// mkfs and the kernel's file systems say EIO for it.
TEST_F(FullHome, IsTheCauseOfWriteErrorsToo) {
  fill();
  const Error explained =
      explain_full_home(Error(ErrorCode::kIo, "mkfs.ext4: exit status 1"), folder_.path());
  EXPECT_TRUE(explained.is(ErrorCode::kDiskFull));
}

TEST_F(FullHome, IsNotTheCauseOfWhatTheCallerDidWrong) {
  fill();
  const Error error(ErrorCode::kInvalidArgument, "memory: too little");
  EXPECT_EQ(explain_full_home(error, folder_.path()).message(), error.message());
}

}  // namespace
}  // namespace msb::engine
