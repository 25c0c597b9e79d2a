// SPDX-License-Identifier: Apache-2.0
#include "base/thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>

namespace msb::base {
namespace {

TEST(Thread, TakesNoSignals) {
  std::atomic<bool> takes = true;
  auto thread = start_thread([&takes] {
    sigset_t mask;
    ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    takes = ::sigismember(&mask, SIGTERM) == 0;
  });
  ASSERT_TRUE(thread);
  thread->join();
  EXPECT_FALSE(takes);
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  EXPECT_EQ(::sigismember(&mask, SIGTERM), 0);
}

// In a process of its own, whose user is nobody else's and may have one process. No exception: it
// would end the program that the library lives in.
TEST(Thread, OneTooManyIsAnErrorThatNamesTheLimit) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "a user of its own needs root";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit one{1, 1};
    ::setrlimit(RLIMIT_NPROC, &one);
    if (::setresuid(3'999'999, 3'999'999, 3'999'999) < 0) {
      ::_exit(2);
    }
    const auto thread = start_thread([] {});
    const bool told = !thread && thread.error().is(ErrorCode::kResourceExhausted) &&
                      thread.error().message().find("RLIMIT_NPROC") != std::string::npos;
    ::_exit(told ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace msb::base
