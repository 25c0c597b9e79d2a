// SPDX-License-Identifier: Apache-2.0
//
// A sandbox of the SDK that cannot be ended, because its warden was stopped.
#include "sdk/local/local_sandbox.h"

#include "engine/testing/silent_warden.h"

namespace msb::sdk {
namespace {

class LocalSandboxTest : public engine::testing::SilentWarden {};

TEST_F(LocalSandboxTest, StaysStartedUntilItCanBeEnded) {
  SandboxOptions options;
  options.name = "box";
  options.engine = std::make_shared<LocalEngine>(engine_);
  LocalSandbox sandbox(options, std::nullopt);
  StartConfig config;
  config.image = "test";
  ASSERT_TRUE(sandbox.start(config, {}));
  ASSERT_NO_FATAL_FAILURE(stop_warden());
  const auto silent = [&](ErrorCode during, const Result<>& result) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code(), during);
    expect_silence(result.error());
  };
  silent(ErrorCode::kFailedToStopSandbox, sandbox.stop());
  silent(ErrorCode::kFailedToStopSandbox, sandbox.stop());
  silent(ErrorCode::kFailedToStartSandbox, sandbox.start(config, {}));
  silent(ErrorCode::kFailedToStopSandbox, sandbox.remove());
  EXPECT_TRUE(sandbox.run_command("true", {}, {}).error().is(ErrorCode::kSandboxGone));
  send_warden(SIGCONT);
  EXPECT_TRUE(sandbox.stop());
  EXPECT_TRUE(sandbox.start(config, {}));
  EXPECT_TRUE(sandbox.remove());
}

}  // namespace
}  // namespace msb::sdk
