// SPDX-License-Identifier: Apache-2.0
//
// Every way in which a call can fail, over real sockets: which sentinels are found, and the text.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "msb/msb.h"
#include "sdk/remote/scripted_server.h"

namespace msb::sdk {
namespace {

using testing::http_reply;
using testing::result_reply;
using testing::ScriptedReply;
using testing::ScriptedRequest;
using testing::ScriptedServer;
using Then = ScriptedReply::Then;

std::string reason(const auto& result) {
  return result ? "no error" : result.error().message();
}

// start and stop succeed, a run gets `reply`.
ScriptedServer::Handler runs(ScriptedReply reply) {
  return [reply = std::move(reply)](const ScriptedRequest& request) {
    return request.body.contains("sandbox.repl.run") ||
                   request.body.contains("sandbox.command.run") ||
                   request.body.contains("sandbox.metrics.get")
               ? reply
               : result_reply(R"("done")");
  };
}

SandboxOptions options_for(const std::string& url) {
  SandboxOptions options;
  options.name = "demo";
  options.server_url = url;
  options.api_key = "k";
  options.request_id_producer = [] { return std::string("a"); };
  return options;
}

// The error of a run that is answered with `reply`.
Error error_of_run(ScriptedReply reply, const HttpOptions& http = {}) {
  const ScriptedServer server(runs(std::move(reply)));
  SandboxOptions options = options_for(server.url());
  options.http = http;
  PythonSandbox sandbox(std::move(options));
  const auto started = sandbox.start();
  EXPECT_TRUE(started) << reason(started);
  const auto run = sandbox.code().run("1");
  EXPECT_FALSE(run);
  return run ? Error(ErrorCode::kInternal, "the run succeeded") : run.error();
}

void expect_chain(const Error& error, std::vector<ErrorCode> codes) {
  for (const ErrorCode code : codes) {
    EXPECT_TRUE(error.is(code)) << to_string(code) << " in " << error.message();
  }
  EXPECT_EQ(error.cause(), codes.back()) << error.message();
}

constexpr auto kRun = ErrorCode::kFailedToRunCode;

TEST(RemoteFailure, StatusWithItsBody) {
  const Error error =
      error_of_run(http_reply(500, R"({"error":"Internal server error","code":5002})"));
  EXPECT_EQ(error.message(),
            "failed to run code: request failed: status 500: Internal server error");
  expect_chain(error, {kRun, ErrorCode::kRequestFailed, ErrorCode::kUnavailable});
}

TEST(RemoteFailure, TheServersKindIsTheCause) {
  const Error error = error_of_run(http_reply(
      500, R"({"error":"sandbox not started","code":5002,"kind":"sandbox not started"})"));
  // It was started, so it has ended since.
  expect_chain(error, {kRun, ErrorCode::kSandboxGone, ErrorCode::kRequestFailed,
                       ErrorCode::kSandboxNotStarted});
}

ScriptedReply lines_reply(std::string_view lines) {
  return http_reply(200, lines, "application/x-ndjson");
}

TEST(RemoteFailure, AnErrorBehindOutput) {
  const Error error = error_of_run(lines_reply(
      "{\"stream\":\"stdout\",\"text\":\"a\"}\n"
      R"({"jsonrpc":"2.0","error":{"code":-32603,"message":"it went","data":{"code":5002,"kind":"sandbox is gone"}},"id":"a"})"
      "\n"));
  EXPECT_EQ(error.message(), "failed to run code: RPC error: it went");
  expect_chain(error, {kRun, ErrorCode::kRpcCall, ErrorCode::kSandboxGone});
}

TEST(RemoteFailure, LinesThatAreNotOnes) {
  const std::string last = R"({"jsonrpc":"2.0","result":{},"id":"a"})";
  for (const std::string& lines :
       {std::string("nonsense\n" + last + "\n"), std::string("{}\n" + last + "\n"),
        std::string("{\"stream\":\"stdout\",\"base64\":\"?\"}\n" + last + "\n"),
        std::string("{\"stream\":\"stdout\",\"text\":\"a\"}\n"), last, std::string()}) {
    expect_chain(error_of_run(lines_reply(lines)),
                 {kRun, ErrorCode::kUnmarshalResponseFailed, ErrorCode::kCorrupt});
  }
  expect_chain(error_of_run(lines_reply(last + "\n" + last + "\n")),
               {kRun, ErrorCode::kReadResponseFailed, ErrorCode::kCorrupt});
  HttpOptions http;
  http.max_response_bytes = 1000;
  expect_chain(error_of_run(lines_reply(std::string(1001, ' ')), http),
               {kRun, ErrorCode::kReadResponseFailed, ErrorCode::kCorrupt});
}

TEST(RemoteFailure, StatusesHaveCodes) {
  const std::array<std::pair<int, ErrorCode>, 8> rows = {{{201, ErrorCode::kUnavailable},
                                                          {302, ErrorCode::kUnavailable},
                                                          {400, ErrorCode::kInvalidArgument},
                                                          {401, ErrorCode::kPermissionDenied},
                                                          {403, ErrorCode::kPermissionDenied},
                                                          {404, ErrorCode::kNotFound},
                                                          {413, ErrorCode::kResourceExhausted},
                                                          {502, ErrorCode::kUnavailable}}};
  for (const auto& [status, code] : rows) {
    const Error error = error_of_run(http_reply(status, "reason", "text/plain"));
    expect_chain(error, {kRun, ErrorCode::kRequestFailed, code});
    EXPECT_TRUE(error.message().ends_with("status " + std::to_string(status) + ": reason"));
  }
}

TEST(RemoteFailure, ErrorObject) {
  const Error error = error_of_run(http_reply(
      200, R"({"jsonrpc":"2.0","error":{"code":-32603,"message":"it broke"},"id":"a"})"));
  EXPECT_EQ(error.message(), "failed to run code: RPC error: it broke");
  expect_chain(error, {kRun, ErrorCode::kRpcCall, ErrorCode::kUnavailable});
}

TEST(RemoteFailure, MissingKeyIsSaid) {
  const ScriptedServer server([](const ScriptedRequest&) {
    return http_reply(401, R"({"error":"Invalid credentials","code":1001})");
  });
  SandboxOptions options = options_for(server.url());
  options.api_key = "";
  PythonSandbox sandbox(std::move(options));
  const auto started = sandbox.start();
  ASSERT_FALSE(started);
  EXPECT_FALSE(server.requests().at(0).headers.contains("authorization"));
  expect_chain(started.error(), {ErrorCode::kFailedToStartSandbox, ErrorCode::kRequestFailed,
                                 ErrorCode::kApiKeyMustBeSpecified, ErrorCode::kPermissionDenied});
}

TEST(RemoteFailure, Refused) {
  std::string url;
  {
    const ScriptedServer server(runs({}));
    url = server.url();
  }
  PythonSandbox sandbox(options_for(url));
  const auto started = sandbox.start();
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().message().starts_with(
      "failed to start sandbox: failed to send request: Post \"" + url + "/api/v1/rpc\": "))
      << reason(started);
  expect_chain(started.error(), {ErrorCode::kFailedToStartSandbox, ErrorCode::kSendRequestFailed,
                                 ErrorCode::kUnavailable});
}

TEST(RemoteFailure, ResetInTheBody) {
  const Error error =
      error_of_run({"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"jsonrpc\"", Then::kClose});
  expect_chain(error, {kRun, ErrorCode::kReadResponseFailed, ErrorCode::kUnavailable});
}

TEST(RemoteFailure, ARunIsNeverSentTwice) {
  for (const Then then : {Then::kReset, Then::kClose}) {
    const ScriptedServer server(runs({"", then}));
    PythonSandbox sandbox(options_for(server.url()));
    ASSERT_TRUE(sandbox.start());
    const auto run = sandbox.code().run("1");  // on the connection of the start
    ASSERT_FALSE(run);
    expect_chain(run.error(), {kRun, ErrorCode::kSendRequestFailed, ErrorCode::kUnavailable});
    EXPECT_EQ(server.requests().size(), 2U);
  }
}

TEST(RemoteFailure, NotJson) {
  const Error error = error_of_run(http_reply(200, "<html>hello</html>", "text/html"));
  expect_chain(error, {kRun, ErrorCode::kUnmarshalResponseFailed, ErrorCode::kCorrupt});
  expect_chain(error_of_run(http_reply(200, "")),
               {kRun, ErrorCode::kUnmarshalResponseFailed, ErrorCode::kCorrupt});
  expect_chain(error_of_run(http_reply(200, "[]")),
               {kRun, ErrorCode::kUnmarshalResponseFailed, ErrorCode::kCorrupt});
  expect_chain(error_of_run(http_reply(200, std::string(100'000, '['))),
               {kRun, ErrorCode::kUnmarshalResponseFailed, ErrorCode::kCorrupt});
}

TEST(RemoteFailure, AnswerToAnotherRequest) {
  for (const char* const id : {R"("b")", "7"}) {
    const Error error = error_of_run(
        http_reply(200, R"({"jsonrpc":"2.0","result":{},"id":)" + std::string(id) + "}"));
    expect_chain(error, {kRun, ErrorCode::kUnmarshalResponseFailed, ErrorCode::kCorrupt});
  }
}

TEST(RemoteFailure, ResultOfWrongTypes) {
  for (const char* const result :
       {"null", "[]", R"("text")", R"({"status":1})", R"({"output":{}})", R"({"output":[1]})",
        R"({"output":[{"stream":"stdout","text":1}]})", R"({"exit_code":1.5})",
        R"({"exit_code":99999999999})", R"({"state_lost":"no"})"}) {
    const Error error = error_of_run(result_reply(result));
    expect_chain(error, {kRun, ErrorCode::kExecutionNotParsed, ErrorCode::kCorrupt});
  }
}

TEST(RemoteFailure, MetricsOfWrongTypes) {
  for (const char* const result :
       {R"({"sandboxes":1})", R"({"sandboxes":[1]})", R"({"sandboxes":[{"memory_usage":1.5}]})"}) {
    const ScriptedServer server(runs(result_reply(result)));
    PythonSandbox sandbox(options_for(server.url()));
    ASSERT_TRUE(sandbox.start());
    const auto metrics = sandbox.metrics().all();
    ASSERT_FALSE(metrics) << result;
    expect_chain(metrics.error(), {ErrorCode::kFailedToGetMetrics,
                                   ErrorCode::kUnmarshalMetricsFailed, ErrorCode::kCorrupt});
  }
}

TEST(RemoteFailure, AnswerTooLong) {
  HttpOptions http;
  http.max_response_bytes = 1000;
  const Error error = error_of_run(http_reply(200, std::string(1001, ' ')), http);
  expect_chain(error, {kRun, ErrorCode::kReadResponseFailed, ErrorCode::kCorrupt});
  const Error head = error_of_run(
      {"HTTP/1.1 200 OK\r\nx: " + std::string(70'000, 'y') + "\r\n\r\n", Then::kWaitForClient});
  expect_chain(head, {kRun, ErrorCode::kSendRequestFailed, ErrorCode::kCorrupt});
}

TEST(RemoteFailure, TooSlow) {
  HttpOptions http;
  http.total_timeout = std::chrono::milliseconds(300);
  expect_chain(
      error_of_run({"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Then::kWaitForClient}, http),
      {kRun, ErrorCode::kReadResponseFailed, ErrorCode::kTimeout});
}

TEST(RemoteFailure, CancelEndsACallAndItsConnection) {
  ScriptedServer server(
      runs({"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{", Then::kWaitForClient}));
  PythonSandbox sandbox(options_for(server.url()));
  ASSERT_TRUE(sandbox.start());
  std::stop_source stop;
  std::thread canceller([&] {
    EXPECT_TRUE(server.wait_for_requests(2));
    stop.request_stop();
  });
  RunOptions options;
  options.stop = stop.get_token();
  const auto run = sandbox.code().run("1", options);
  canceller.join();
  ASSERT_FALSE(run);
  EXPECT_TRUE(run.error().is(ErrorCode::kCancelled)) << reason(run);
  EXPECT_TRUE(server.wait_for_gone_clients(1));
  ASSERT_TRUE(sandbox.stop());  // on another connection
}

TEST(RemoteFailure, ConfigurationIsReportedByStart) {
  for (const char* const url : {"ftp://x", "http://a:b@x", "http://", "file:///etc/passwd",
                                "http://x/?q", "http://x y", "gopher://x"}) {
    PythonSandbox sandbox(options_for(url));
    const auto started = sandbox.start();
    ASSERT_FALSE(started) << url;
    expect_chain(started.error(), {ErrorCode::kFailedToStartSandbox,
                                   ErrorCode::kCreateRequestFailed, ErrorCode::kInvalidArgument});
  }
  SandboxOptions options = options_for("http://127.0.0.1:1");
  options.api_key = "a\r\nx-evil: 1";
  PythonSandbox sandbox(std::move(options));
  const auto started = sandbox.start();
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kCreateRequestFailed)) << reason(started);
}

TEST(RemoteFailure, StatesAreLocal) {
  const ScriptedServer server(runs(result_reply("{}")));
  PythonSandbox sandbox(options_for(server.url()));
  EXPECT_TRUE(sandbox.stop().error().is(ErrorCode::kSandboxNotStarted));
  EXPECT_TRUE(sandbox.code().run("1").error().is(ErrorCode::kSandboxNotStarted));
  EXPECT_TRUE(sandbox.metrics().all().error().is(ErrorCode::kSandboxNotStarted));
  EXPECT_TRUE(server.requests().empty());
  std::atomic<int> won = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { won += sandbox.start() ? 1 : 0; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(won, 1);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST(RemoteFailure, AFailedStopLeavesItStarted) {
  std::atomic<bool> broken = true;
  const ScriptedServer server([&](const ScriptedRequest& request) {
    return broken && request.body.contains("sandbox.stop") ? http_reply(500, "no")
                                                           : result_reply(R"("done")");
  });
  PythonSandbox sandbox(options_for(server.url()));
  ASSERT_TRUE(sandbox.start());
  ASSERT_FALSE(sandbox.stop());
  EXPECT_TRUE(sandbox.start().error().is(ErrorCode::kSandboxAlreadyStarted));
  broken = false;
  EXPECT_TRUE(sandbox.stop());
}

TEST(RemoteConcurrency, ManyThreadsShareFewConnections) {
  constexpr int kThreads = 8;
  constexpr int kCalls = 50;
  constexpr int kConnections = 3;
  const ScriptedServer server([](const ScriptedRequest& request) {
    const std::size_t begin = request.body.find(R"("code":")") + 8;
    const std::string code = request.body.substr(begin, request.body.find('"', begin) - begin);
    return result_reply(R"({"output":[{"stream":"stdout","text":")" + code + R"("}]})");
  });
  SandboxOptions options = options_for(server.url());
  options.http.max_connections = kConnections;
  PythonSandbox sandbox(std::move(options));
  ASSERT_TRUE(sandbox.start());
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (int call = 0; call < kCalls; ++call) {
        const std::string code = std::to_string(thread) + "-" + std::to_string(call);
        const auto run = sandbox.code().run(code);
        wrong += run && run->output() == code ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_LE(server.most_at_once(), kConnections);
  EXPECT_LE(server.connections(), kConnections);
  EXPECT_EQ(server.requests().size(), std::size_t{kThreads * kCalls + 1});
}

}  // namespace
}  // namespace msb::sdk
