// SPDX-License-Identifier: Apache-2.0
#include "base/pidfd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/child_process.h"
#include "base/sys.h"

namespace msb::base {
namespace {

TEST(Pidfd, TellsWhoseItIs) {
  const auto self = sys::pidfd_open(::getpid());
  ASSERT_TRUE(self.has_value());
  const auto pid = pid_of(self->get());
  ASSERT_TRUE(pid.has_value()) << pid.error().message();
  EXPECT_EQ(*pid, ::getpid());
}

TEST(Pidfd, OfAProcessThatHasEndedIsNobodys) {
  auto child = ChildProcess::spawn({.path = "/bin/true", .argv = {"true"}, .env = {}, .fds = {}});
  ASSERT_TRUE(child.has_value());
  ASSERT_TRUE(child->wait().has_value());
  const auto pid = pid_of(child->pidfd());
  ASSERT_FALSE(pid.has_value());
  EXPECT_TRUE(pid.error().is(ErrorCode::kNotFound));
}

TEST(Pidfd, IsAskedForInVainOfAnotherKindOfDescriptor) {
  const auto file = sys::open("/dev/null", O_RDONLY);
  ASSERT_TRUE(file.has_value());
  const auto pid = pid_of(file->get());
  ASSERT_FALSE(pid.has_value());
  EXPECT_TRUE(pid.error().is(ErrorCode::kUnsupported));
}

}  // namespace
}  // namespace msb::base
