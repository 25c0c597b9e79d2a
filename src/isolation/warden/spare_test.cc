// SPDX-License-Identifier: Apache-2.0
//
// A sandbox that was made ahead, and what it becomes when somebody comes for it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "isolation/testing/guest.h"

namespace msb::isolation::testing {
namespace {

using ::testing::HasSubstr;

class SpareTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cannot_make_sandboxes()) {
      GTEST_SKIP() << *reason;
    }
    host_ = std::make_unique<Host>();
  }

  Guest spare() {
    SandboxSpec spec = host_->spec("spare");
    spec.is_spare = true;
    limits_ = spec.limits;
    auto guest = host_->start(std::move(spec));
    EXPECT_TRUE(guest) << guest.error().message();
    return std::move(*guest);
  }
  Result<> adjust(const Guest& guest, const std::string& hostname) {
    return host_->warden().adjust(guest.id, {.hostname = hostname, .limits = limits_});
  }

  std::unique_ptr<Host> host_;
  Limits limits_;
};

TEST_F(SpareTest, TakesItsNameAndItsLimits) {
  Guest guest = spare();
  EXPECT_EQ(guest.ask("hostname"), "spare");
  limits_.memory_bytes = 128ull << 20;
  limits_.cpus = 0.5;
  limits_.max_processes = 16;
  const auto adjusted = adjust(guest, "tenant");
  ASSERT_TRUE(adjusted) << adjusted.error().message();
  EXPECT_EQ(guest.ask("hostname"), "tenant");
  EXPECT_EQ(guest.ask("statfs /dev/shm"), std::to_string(64 << 20));
  if (guest.started.gauges.pids_events) {
    EXPECT_EQ(guest.ask("fork 100"), "15 !EAGAIN");
  }
}

TEST_F(SpareTest, TakesLessMemoryToo) {
  Guest guest = spare();
  limits_.memory_bytes = 32ull << 20;
  const auto adjusted = adjust(guest, "tenant");
  ASSERT_TRUE(adjusted) << adjusted.error().message();
  EXPECT_EQ(guest.ask("statfs /dev/shm"), std::to_string(16 << 20));
}

TEST_F(SpareTest, IsAdjustedOnce) {
  const Guest guest = spare();
  ASSERT_TRUE(adjust(guest, "one"));
  const auto again = adjust(guest, "two");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().cause(), ErrorCode::kConflict);
}

TEST_F(SpareTest, IsTheOnlyKindThatCanBeAdjusted) {
  Guest guest = host_->start();
  limits_ = host_->spec().limits;
  const auto adjusted = adjust(guest, "tenant");
  ASSERT_FALSE(adjusted);
  EXPECT_EQ(adjusted.error().cause(), ErrorCode::kConflict);
  EXPECT_EQ(guest.ask("hostname"), "test");
  EXPECT_FALSE(host_->warden().adjust("no id", {.hostname = "x", .limits = limits_}));
}

TEST_F(SpareTest, KeepsTheSizeOfItsDisk) {
  const Guest guest = spare();
  limits_.disk_bytes *= 2;
  const auto adjusted = adjust(guest, "tenant");
  ASSERT_FALSE(adjusted);
  EXPECT_THAT(adjusted.error().message(), HasSubstr("writable layer"));
}

TEST_F(SpareTest, LeavesNoTraceInOthers) {
  Guest other = host_->start();
  const Guest guest = spare();
  ASSERT_TRUE(adjust(guest, "tenant"));
  EXPECT_EQ(other.ask("hostname"), "test");
  EXPECT_EQ(host_->start().ask("hostname"), "test");
}

TEST_F(SpareTest, IsRefusedABadName) {
  const Guest guest = spare();
  const auto adjusted = adjust(guest, "a/b");
  ASSERT_FALSE(adjusted);
  EXPECT_EQ(adjusted.error().cause(), ErrorCode::kInvalidArgument);
  EXPECT_TRUE(adjust(guest, "good"));  // what was refused has changed nothing
}

}  // namespace
}  // namespace msb::isolation::testing
