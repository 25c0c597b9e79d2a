// SPDX-License-Identifier: Apache-2.0
#include "msb/error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "base/errno_text.h"
#include "base/try.h"

namespace msb {
namespace {

Result<int> innermost() {
  return fail(ErrorCode::kPermissionDenied, "open(/x)", EACCES);
}

Result<int> middle() {
  return TRY_WRAP(innermost(), "read settings") + 1;
}

TEST(Error, TellsTheStoryOutermostFirst) {
  const Error error = middle().error().wrap(ErrorCode::kFailedToStartSandbox);
  EXPECT_EQ(error.message(), "failed to start sandbox: read settings: open(/x): Permission denied");
}

TEST(Error, FindsSentinelsInEveryLayer) {
  const Error error = middle().error().wrap(ErrorCode::kFailedToStartSandbox);
  EXPECT_TRUE(error.is(ErrorCode::kFailedToStartSandbox));
  EXPECT_TRUE(error.is(ErrorCode::kPermissionDenied));
  EXPECT_FALSE(error.is(ErrorCode::kTimeout));
  EXPECT_EQ(error.code(), ErrorCode::kFailedToStartSandbox);
  EXPECT_EQ(error.cause(), ErrorCode::kPermissionDenied);
  EXPECT_EQ(error.sys_errno(), EACCES);
}

TEST(Error, KeepsTheEstablishedTextsOfTheSentinels) {
  EXPECT_EQ(to_string(ErrorCode::kSandboxAlreadyStarted), "sandbox already started");
  EXPECT_EQ(to_string(ErrorCode::kSandboxNotStarted), "sandbox not started");
  EXPECT_EQ(to_string(ErrorCode::kFailedToRunCode), "failed to run code");
}

TEST(Error, MapsToTheExitStatusesOfShells) {
  EXPECT_EQ(exit_status(ErrorCode::kTimeout), 124);
  EXPECT_EQ(exit_status(ErrorCode::kPermissionDenied), 126);
  EXPECT_EQ(exit_status(ErrorCode::kNotFound), 127);
  EXPECT_EQ(exit_status(ErrorCode::kInternal), 125);
  EXPECT_EQ(exit_status(static_cast<ErrorCode>(9999)), 125);
}

TEST(Error, AnErrnoHasOneNameInEveryLocale) {
  EXPECT_EQ(base::errno_suffix(ENOENT), ": No such file or directory");
  EXPECT_EQ(base::errno_suffix(4095), ": Unknown error 4095");
  EXPECT_EQ(Error(ErrorCode::kNotFound, "open(x)", ENOENT).message(),
            "open(x): No such file or directory");
}

TEST(Error, AnEmptyTextBecomesTheCodesOwn) {
  EXPECT_EQ(Error(ErrorCode::kTimeout, "").message(), "timed out");
}

}  // namespace
}  // namespace msb
