// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_http.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "server/testing/memory_backend.h"

namespace msb::server {
namespace {

using rpc::Json;

class McpHttpTest : public ::testing::Test {
 protected:
  McpHttp::Step post(RequestHead head, const Json& body) {
    head.verb = "POST";
    return mcp_.handle(head, claims_, rpc::to_text(body));
  }
  // The whole answer, run if it must be.
  Json ask(RequestHead head, const Json& body) {
    const auto step = post(std::move(head), body);
    if (const auto* call = std::get_if<McpCall>(&step)) {
      return call->run();
    }
    return Json::parse(std::get<Response>(step).reply.body);
  }
  int status_of(RequestHead head, const Json& body) {
    return std::get<Response>(post(std::move(head), body)).reply.status;
  }
  RequestHead in_session(std::string_view revision) {
    RequestHead head;
    head.mcp_session = (*sessions_.create(claims_, revision))->id();
    return head;
  }

  rpc::Claims claims_;
  testing::MemoryBackend backend_;
  Methods methods_{backend_, {}};
  McpSessions sessions_;
  McpHttp mcp_{std::make_shared<McpDispatcher>(methods_, "1"), sessions_};
};

Json request(const char* method, Json params = Json::object()) {
  return {{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}};
}

Json call(const char* tool, Json arguments) {
  return request("tools/call", {{"name", tool}, {"arguments", std::move(arguments)}});
}

RequestHead stateless(const char* method) {
  RequestHead head;
  head.mcp.revision = rpc::kMcpStatelessRevision;
  head.mcp.method = method;
  return head;
}

Json with_meta(Json message) {
  message["params"]["_meta"] = {{"io.modelcontextprotocol/protocolVersion", "2026-07-28"},
                                {"io.modelcontextprotocol/clientCapabilities", Json::object()}};
  return message;
}

const Json kRunInNone = {{"sandbox", "none"}, {"language", "python"}, {"code", "1"}};

TEST_F(McpHttpTest, AFailedRunIsAResultToClientsThatHaveAgreedAndAnErrorToOthers) {
  const Json agreed = ask(in_session(rpc::kMcpFirstRevision), call("sandbox_run_code", kRunInNone));
  EXPECT_EQ(agreed["result"]["isError"], true);
  EXPECT_EQ(agreed["result"]["content"][0]["text"],
            "Error: Run code failed: sandbox 'none' is not running; start it with sandbox_start");
  const Json classic = ask({}, call("sandbox_run_code", kRunInNone));
  EXPECT_EQ(classic["error"]["code"], -32603);
}

TEST_F(McpHttpTest, ArgumentsMayBeLeftOutByClientsThatHaveAgreed) {
  const Json metrics = request("tools/call", {{"name", "sandbox_get_metrics"}});
  EXPECT_TRUE(ask(in_session(rpc::kMcpNewestHandshakeRevision), metrics).contains("result"));
  EXPECT_EQ(ask({}, metrics)["error"]["message"],
            "MCP method error: Validation error: Missing required 'arguments' parameter");
}

TEST_F(McpHttpTest, ABatchIsOneAnswerToEachRequestInIt) {
  const Json body = {request("ping"), call("sandbox_get_metrics", Json::object()), 5};
  const Json answers = ask(in_session(rpc::kMcpBatchRevision), body);
  ASSERT_EQ(answers.size(), 3U);
  EXPECT_EQ(answers[0]["error"]["code"], -32600);
  EXPECT_EQ(answers[1]["result"], Json::object());
  EXPECT_EQ(status_of(in_session(rpc::kMcpStructuredRevision), body), 400);
}

TEST_F(McpHttpTest, ABatchDoesNotLeaveTheNamespaceOfTheKey) {
  claims_.namespace_name = "own";
  const Json body = {request("ping"), call("sandbox_get_metrics", {{"namespace", "other"}})};
  EXPECT_EQ(status_of({}, body), 403);
}

TEST_F(McpHttpTest, ARequestThatNamesTheStatelessRevisionStandsForItself) {
  const Json body = with_meta(request("tools/list"));
  const Json answer = ask(stateless("tools/list"), body);
  EXPECT_EQ(answer["result"]["resultType"], "complete");
  EXPECT_EQ(status_of(stateless("tools/list"), request("tools/list")), 400);
  EXPECT_EQ(ask({}, body)["error"]["code"], -32020);
  EXPECT_EQ(status_of(stateless("ping"), with_meta(request("ping"))), 404);
  EXPECT_EQ(status_of(stateless("initialize"), with_meta(request("initialize"))), 404);
}

TEST_F(McpHttpTest, TheClientsLeavingEndsAStatelessCallButNotOneOfASession) {
  RequestHead head = stateless("tools/call");
  head.mcp.name = "sandbox_start";
  const Json body = call("sandbox_start", {{"sandbox", "a"}});
  const auto alone = post(head, with_meta(body));
  EXPECT_TRUE(std::get<McpCall>(alone).ends_with_client);
  const auto of_session = post(in_session(rpc::kMcpNewestHandshakeRevision), body);
  EXPECT_FALSE(std::get<McpCall>(of_session).ends_with_client);
}

TEST_F(McpHttpTest, CallsAreCountedInWordsOfOurOwn) {
  const auto label = [&](const char* tool) {
    return std::get<McpCall>(post({}, call(tool, Json::object()))).label();
  };
  EXPECT_EQ(label("sandbox_stop"), "mcp.sandbox_stop");
  EXPECT_EQ(label("whatever a client says"), "mcp.unknown");
}

}  // namespace
}  // namespace msb::server
