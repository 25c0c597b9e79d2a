// SPDX-License-Identifier: Apache-2.0
#include "msb/execution.h"

#include <gtest/gtest.h>

#include <string>

#include "sdk/execution_builder.h"

namespace msb {
namespace {

CodeExecution code(ExecutionBuilder builder, std::string status = "success") {
  return std::move(builder).code(std::move(status), "python", 0, false, {});
}

TEST(Execution, JoinsEachStreamAndTrimsOneNewline) {
  ExecutionBuilder builder;
  builder.add(Stream::kStdout, "a");
  builder.add(Stream::kStderr, "warn\n");
  builder.add(Stream::kStdout, "b\n\n");
  const CodeExecution run = code(std::move(builder));
  EXPECT_EQ(run.output(), "ab\n");
  EXPECT_EQ(run.error(), "warn");
  EXPECT_EQ(run.chunks().size(), 3u);
  EXPECT_TRUE(run.has_error());
}

TEST(Execution, AStatusOtherThanSuccessIsAnErrorWithoutStderr) {
  EXPECT_FALSE(code({}).has_error());
  EXPECT_TRUE(code({}, "timeout").has_error());
}

TEST(Execution, JsonHasWholeLinesOfEachStreamHoweverTheyCame) {
  ExecutionBuilder builder;
  builder.add(Stream::kStdout, "on");
  builder.add(Stream::kStderr, "bad\r\n");
  builder.add(Stream::kStdout, "e\n\ntwo");
  EXPECT_EQ(code(std::move(builder)).to_json(),
            R"({"status":"success","language":"python","output":[)"
            R"({"stream":"stdout","text":"one"},{"stream":"stderr","text":"bad"},)"
            R"({"stream":"stdout","text":""},{"stream":"stdout","text":"two"}],)"
            R"("duration_ms":0.0,"state_lost":false})");
}

TEST(Execution, JsonSurvivesBytesThatAreNotText) {
  ExecutionBuilder builder;
  builder.add(Stream::kStdout, "\xff\"\x01");
  EXPECT_NE(code(std::move(builder)).to_json().find("\xef\xbf\xbd\\\"\\u0001"), std::string::npos);
}

TEST(Execution, JsonOfACommandNamesSignalAndLimits) {
  ExecutionBuilder builder;
  ExecutionBuilder::Summary summary;
  summary.limits_hit.memory = true;
  summary.limits_hit.text = "out of memory (limit 64 MiB)";
  const CommandExecution run = std::move(builder).command("a", {"b"}, 137, 9, std::move(summary));
  const std::string json = run.to_json();
  EXPECT_TRUE(json.starts_with("{\"command\":\"a\",\"args\":[\"b\"],\"exit_code\":137,")) << json;
  EXPECT_TRUE(json.ends_with("\"limits_hit\":\"out of memory (limit 64 MiB)\",\"signal\":9}"))
      << json;
}

TEST(Execution, CollectsUpToTheLimitAndCountsTheRest) {
  ExecutionBuilder builder;
  const std::string block(1024 * 1024, 'x');
  for (std::size_t i = 0; i < 66; ++i) {
    builder.add(Stream::kStdout, block);
  }
  builder.add(Stream::kStderr, "late");
  const CodeExecution run = code(std::move(builder));
  EXPECT_EQ(run.output().size(), kMaxCollectedOutputBytes);
  EXPECT_EQ(run.dropped_bytes(), 66 * block.size() + 4 - kMaxCollectedOutputBytes);
  EXPECT_EQ(run.error(), "");
}

TEST(Execution, AlternatingBytesCannotGrowWithoutBound) {
  ExecutionBuilder builder;
  const std::size_t pieces = ExecutionBuilder::kMaxCollectedPieces + 10;
  for (std::size_t i = 0; i < pieces; ++i) {
    builder.add(i % 2 == 0 ? Stream::kStdout : Stream::kStderr, "x");
  }
  const CodeExecution run = code(std::move(builder));
  EXPECT_EQ(run.chunks().size(), ExecutionBuilder::kMaxCollectedPieces);
  EXPECT_EQ(run.dropped_bytes(), 10u);
}

}  // namespace
}  // namespace msb
