// SPDX-License-Identifier: Apache-2.0
#include "rpc/reply.h"

#include <gtest/gtest.h>

#include <limits>

#include "rpc/results.h"

namespace msb::rpc {
namespace {

Json as_json(const char* text) {
  return Json::parse(text);
}

TEST(FailureReply, HasTheShapeThatClientsPrint) {
  const Reply reply = failure_reply(Failure::kNoCredentials, "Invalid credentials");
  EXPECT_EQ(reply.status, 401);
  EXPECT_EQ(as_json(reply.body.c_str()), as_json(R"({"error":"Invalid credentials","code":1001})"));
}

TEST(FailureReply, CarriesTheCauseOfAnError) {
  const Reply reply = failure_reply(
      Failure::kFailed, Error(ErrorCode::kNotFound, "no such image").wrap(ErrorCode::kUnavailable));
  EXPECT_EQ(reply.status, 500);
  EXPECT_EQ(reply.code, 5002);
  EXPECT_EQ(as_json(reply.body.c_str())["kind"], to_string(ErrorCode::kNotFound));
  EXPECT_TRUE(as_json(reply.body.c_str())["error"].is_string());
}

TEST(FailureReply, HasOneRowForEachKind) {
  EXPECT_EQ(shape_of(Failure::kMalformedJson).status, 400);
  EXPECT_EQ(shape_of(Failure::kMalformedCall).status, 422);
  EXPECT_EQ(shape_of(Failure::kWrongMediaType).status, 415);
  EXPECT_EQ(shape_of(Failure::kTooLarge).status, 413);
  EXPECT_EQ(shape_of(Failure::kInvalidParams).code, 2001);
  EXPECT_EQ(shape_of(Failure::kBadToken).code, 1004);
  EXPECT_EQ(shape_of(Failure::kDenied).code, 3001);
  EXPECT_EQ(shape_of(Failure::kNotFound).code, 4001);
  EXPECT_EQ(shape_of(Failure::kBusy).status, 503);
}

TEST(ResultReply, OmitsWhatIsAbsent) {
  EXPECT_EQ(as_json(result_reply("done", {}).body.c_str()),
            as_json(R"({"jsonrpc":"2.0","result":"done"})"));
  EXPECT_EQ(as_json(result_reply("done", Json(7), Message::kCopyOfResult).body.c_str()),
            as_json(R"({"jsonrpc":"2.0","result":"done","message":"done","id":7})"));
}

TEST(EncodeCode, WritesTheEstablishedMembersAlone) {
  CodeResult result;
  result.language = "Python";
  result.output = {{{Stream::kStdout, "hi"}, {Stream::kStderr, "oh\xff"}}};
  EXPECT_EQ(to_text(encode(result)),
            "{\"language\":\"Python\",\"output\":[{\"stream\":\"stdout\",\"text\":\"hi\"},"
            "{\"stream\":\"stderr\",\"text\":\"oh\uFFFD\"}],\"status\":\"success\"}");
}

TEST(EncodeCode, SaysWhyARunDidNotEnd) {
  CodeResult result;
  result.status = CodeResult::Status::kTimeout;
  result.state_lost = true;
  const Json encoded = encode(result);
  EXPECT_EQ(encoded["status"], "error");
  EXPECT_EQ(encoded["reason"], "timeout");
  EXPECT_EQ(encoded["state_lost"], true);
  EXPECT_FALSE(encoded.contains("exit_code"));
}

TEST(EncodeCode, LeavesOutOutputThatWentAhead) {
  CodeResult result;
  result.language = "python";
  result.dropped_bytes = 7;
  EXPECT_EQ(to_text(encode(result)),
            R"({"dropped_bytes":7,"language":"python","status":"success"})");
}

TEST(EncodeCommand, GivesOneForACommandThatASignalEnded) {
  CommandResult result;
  result.command = "sleep";
  result.args = {"9"};
  result.exit_code = 137;
  result.signal = 9;
  result.output.emplace();
  EXPECT_EQ(encode(result),
            as_json(R"({"command":"sleep","args":["9"],"exit_code":1,"success":false,
                                     "output":[],"signal":9})"));
}

TEST(EncodeMetrics, WritesIntegersAndNulls) {
  const SandboxMetrics running{.namespace_name = "default",
                               .name = "x",
                               .is_running = true,
                               .isolation = "jail",
                               .cpu_percent = 12.5,
                               .memory_mib = 123,
                               .disk_bytes = 1048576};
  const SandboxMetrics stopped{.namespace_name = "default", .name = "y", .disk_bytes = 4096};
  EXPECT_EQ(
      to_text(encode(std::vector{running, stopped})),
      R"({"sandboxes":[{"cpu_usage":12.5,"disk_bytes":1048576,"disk_usage":1048576,"isolation":"jail","memory_usage":123,)"
      R"("name":"x","namespace":"default","running":true},{"cpu_usage":null,)"
      R"("disk_bytes":4096,"disk_usage":null,"memory_usage":null,"name":"y","namespace":"default",)"
      R"("running":false}]})");
}

TEST(EncodeMetrics, NeverWritesNotANumber) {
  const SandboxMetrics one{.namespace_name = "n",
                           .name = "x",
                           .is_running = true,
                           .cpu_percent = std::numeric_limits<double>::quiet_NaN()};
  EXPECT_TRUE(encode(std::vector{one})["sandboxes"][0]["cpu_usage"].is_null());
}

}  // namespace
}  // namespace msb::rpc
