// SPDX-License-Identifier: Apache-2.0
//
// In a folder that is no cgroup: what matters here are folders and locks.
#include "isolation/cgroup/backend.h"

#include <gtest/gtest.h>
#include <sys/file.h>

#include <filesystem>
#include <string>
#include <thread>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::cgroup {
namespace {

namespace fs = std::filesystem;

class EngineGroup : public ::testing::Test {
 protected:
  std::string group() const { return folder_.path() + "/msb-0123456789abcdef"; }
  base::TempDir folder_ = *base::TempDir::create();
};

// The next warden of an engine whose last one was killed has the same group.
TEST_F(EngineGroup, IsEmptiedWhenItIsClaimedAgain) {
  {
    const auto first = claim_engine_group(group());
    ASSERT_TRUE(first);
    ASSERT_TRUE(base::make_folders(group() + "/sandbox"));
    EXPECT_TRUE(is_claimed(group()));
  }
  EXPECT_FALSE(is_claimed(group()));
  const auto second = claim_engine_group(group());
  ASSERT_TRUE(second);
  EXPECT_FALSE(fs::exists(group() + "/sandbox"));
  EXPECT_TRUE(is_claimed(group()));
}

TEST_F(EngineGroup, OfADeadWardenIsSweptAndOfALivingOneIsNot) {
  const auto living = claim_engine_group(group());
  ASSERT_TRUE(living);
  const std::string dead = folder_.path() + "/msb-fedcba9876543210";
  ASSERT_TRUE(base::make_folders(dead + "/sandbox"));
  sweep_folder(folder_.path());
  EXPECT_TRUE(fs::exists(group()));
  EXPECT_FALSE(fs::exists(dead));
}

// The lock is then a sweep's, for a moment; without it the engine would run without limits.
TEST_F(EngineGroup, IsClaimedAfterASweepThatWasAtIt) {
  ASSERT_TRUE(base::make_folders(group()));
  auto sweeping = base::sys::open(group(), O_RDONLY | O_DIRECTORY);
  ASSERT_TRUE(sweeping);
  ASSERT_EQ(::flock(sweeping->get(), LOCK_EX), 0);
  const std::jthread sweep([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    fs::remove(group());
    sweeping->reset();
  });
  const auto claimed = claim_engine_group(group());
  ASSERT_TRUE(claimed) << claimed.error().message();
  EXPECT_TRUE(fs::exists(group()));
}

}  // namespace
}  // namespace msb::isolation::cgroup
