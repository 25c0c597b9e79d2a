// SPDX-License-Identifier: Apache-2.0
#include "image/file_lock.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

#include "base/file.h"

namespace msb::image {
namespace {

using Mode = FileLock::Mode;

class FileLocks : public ::testing::Test {
 protected:
  base::TempDir folder_ = base::TempDir::create().value();
  std::string path_ = folder_.path() + "/lock";
};

TEST_F(FileLocks, SharedHoldersExcludeAnExclusiveOne) {
  auto one = FileLock::acquire(path_, Mode::kShared);
  auto two = FileLock::acquire(path_, Mode::kShared);
  ASSERT_TRUE(one && two);
  EXPECT_FALSE(FileLock::try_acquire(path_, Mode::kExclusive)->has_value());
  const auto shared = std::move(*one).share();
  two = FileLock::acquire(path_, Mode::kShared);
  EXPECT_FALSE(FileLock::try_acquire(path_, Mode::kExclusive)->has_value());
}

TEST_F(FileLocks, AWaitEndsWithTheHolder) {
  auto held = FileLock::try_acquire(path_, Mode::kExclusive);
  ASSERT_TRUE(held && *held);
  const std::jthread waiter([&] { EXPECT_TRUE(FileLock::acquire(path_, Mode::kExclusive)); });
  held->reset();
}

TEST_F(FileLocks, AWaitCanBeGivenUp) {
  const auto held = FileLock::acquire(path_, Mode::kExclusive);
  std::stop_source stop;
  const std::jthread waiter([&] {
    const auto lock = FileLock::acquire(path_, Mode::kExclusive, stop.get_token());
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().code(), ErrorCode::kCancelled);
  });
  stop.request_stop();
}

TEST_F(FileLocks, ARemovedFileIsNotTheLock) {
  const auto held = FileLock::acquire(path_, Mode::kExclusive);
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  const auto other = FileLock::try_acquire(path_, Mode::kExclusive);
  EXPECT_TRUE(other && *other) << "the name means a new file now";
}

}  // namespace
}  // namespace msb::image
