// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_progress.h"

#include <gtest/gtest.h>

#include <string>

namespace msb::server {
namespace {

// The message of the next notification, which there must be.
std::string next_message(McpProgress& progress) {
  return (*progress.next())["params"]["message"].get<std::string>();
}

TEST(McpProgress, TellsThePullInBytesAndEachStepOnce) {
  McpProgress progress("token");
  progress.pulled(10, 100);
  const auto first = progress.next();
  ASSERT_TRUE(first.has_value());
  const rpc::Json& params = (*first)["params"];
  EXPECT_EQ((*first)["method"].get<std::string>(), "notifications/progress");
  EXPECT_EQ(params["progressToken"], rpc::Json("token"));
  EXPECT_EQ(params["progress"], 10);
  EXPECT_EQ(params["total"], 100);
  EXPECT_FALSE(progress.next().has_value());
  progress.pulled(11, 100);
  EXPECT_EQ((*progress.next())["params"]["progress"], 11);
}

TEST(McpProgress, TellsTheLastLineOfOutputAndNoMoreThanAPieceOfIt) {
  McpProgress progress(1);
  progress.wrote("first\nsecond\n");
  EXPECT_EQ(next_message(progress), "second");
  progress.wrote("\n\n");
  progress.wrote(std::string(100'000, 'x'));
  EXPECT_EQ(next_message(progress).size(), 200U);
}

TEST(McpProgress, TellsNothingAfterTheEnd) {
  McpProgress progress(1);
  progress.end();
  progress.pulled(10, 100);
  EXPECT_FALSE(progress.next().has_value());
}

}  // namespace
}  // namespace msb::server
