// SPDX-License-Identifier: Apache-2.0
#include "base/sys.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace msb::base {
namespace {

using ::testing::HasSubstr;

// The process's limit on descriptors, lower for a while.
class FewDescriptors {
 public:
  // So many more than are open now may be.
  explicit FewDescriptors(rlim_t more) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const UniqueFd next(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit few{static_cast<rlim_t>(next.get()) + more, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(Sys, AnErrorSaysWhichLimitOnDescriptorsWasReached) {
  Result<UniqueFd> file;
  {
    const FewDescriptors few(0);
    file = sys::open("/dev/null", O_RDONLY);
  }
  ASSERT_FALSE(file);
  EXPECT_TRUE(file.error().is(ErrorCode::kResourceExhausted));
  EXPECT_EQ(file.error().sys_errno(), EMFILE);
  EXPECT_THAT(file.error().message(), HasSubstr("open(/dev/null) with all "));
  EXPECT_THAT(file.error().message(), HasSubstr("(RLIMIT_NOFILE): Too many open files"));
}

// It must not look like a peer that breaks the protocol: what was said is whole.
TEST(Sys, AMessageWhoseDescriptorsFindNoRoomArrivesWithoutThem) {
  auto pair = sys::socketpair(AF_UNIX, SOCK_SEQPACKET);
  ASSERT_TRUE(pair);
  const std::array<int, 3> sent = {0, 1, 2};
  const std::array<std::byte, 2> bytes = {std::byte{7}, std::byte{8}};
  ASSERT_TRUE(sys::send_message(pair->first.get(), bytes, sent));
  Result<sys::Message> message;
  {
    const FewDescriptors few(1);
    message = sys::receive_message(pair->second.get(), 16);
  }
  ASSERT_TRUE(message);
  EXPECT_EQ(message->bytes.size(), 2u);
  EXPECT_TRUE(message->fds_lost);
  EXPECT_LT(message->fds.size(), 3u);
}

}  // namespace
}  // namespace msb::base
