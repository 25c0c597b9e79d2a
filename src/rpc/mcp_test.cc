// SPDX-License-Identifier: Apache-2.0
#include "rpc/mcp.h"

#include <gtest/gtest.h>

#include <set>

namespace msb::rpc {
namespace {

using Kind = McpMessage::Kind;

Json json(const char* text) {
  return Json::parse(text);
}

TEST(McpMessage, TellsRequestsNotificationsAndResponsesApart) {
  EXPECT_EQ(decode_mcp_message(json(R"({"jsonrpc":"2.0","method":"ping","id":0})"))->kind,
            Kind::kRequest);
  EXPECT_EQ(decode_mcp_message(json(R"({"jsonrpc":"2.0","method":"ping"})"))->kind,
            Kind::kNotification);
  EXPECT_EQ(
      decode_mcp_message(json(R"({"jsonrpc":"2.0","method":"notifications/initialized","id":1})"))
          ->kind,
      Kind::kNotification);
  EXPECT_EQ(decode_mcp_message(json(R"({"jsonrpc":"2.0","id":1,"result":{}})"))->kind,
            Kind::kResponse);
}

TEST(McpMessage, RefusesWhatIsNone) {
  for (const char* text :
       {"1", "[]", "{}", R"({"jsonrpc":"1.0","method":"ping","id":1})",
        R"({"jsonrpc":"2.0","id":1})", R"({"jsonrpc":"2.0","method":1,"id":1})"}) {
    const auto message = decode_mcp_message(json(text));
    ASSERT_FALSE(message.has_value()) << text;
    EXPECT_EQ(message.error()["error"]["code"], -32600) << text;
  }
}

TEST(McpRevision, IsTheClientsIfItIsSpokenElseTheNewest) {
  EXPECT_EQ(negotiate_mcp_revision("2024-11-05"), "2024-11-05");
  EXPECT_EQ(negotiate_mcp_revision("2025-06-18"), "2025-06-18");
  EXPECT_EQ(negotiate_mcp_revision("1999-01-01"), kMcpNewestHandshakeRevision);
  EXPECT_FALSE(find_mcp_revision("2024-11-06").has_value());
}

TEST(McpRevision, OfTheStatelessKindIsNoneToAgreeOn) {
  EXPECT_EQ(find_mcp_revision("2026-07-28"), kMcpStatelessRevision);
  EXPECT_EQ(negotiate_mcp_revision("2026-07-28"), kMcpNewestHandshakeRevision);
}

TEST(McpBatch, TellsItsMessagesFromWhatIsNone) {
  const auto batch = decode_mcp_batch(json(
      R"([{"jsonrpc":"2.0","method":"ping","id":1}, 5, {"jsonrpc":"2.0","method":"initialize","id":2},
          {"jsonrpc":"2.0","method":"notifications/x"}])"));
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->messages.size(), 2U);
  EXPECT_EQ(batch->messages[0].method, "ping");
  EXPECT_EQ(batch->messages[1].kind, Kind::kNotification);
  ASSERT_EQ(batch->refusals.size(), 2U);
  EXPECT_EQ(batch->refusals[0]["id"], Json());
  EXPECT_EQ(batch->refusals[1]["id"], 2);
}

TEST(McpBatch, HasALimit) {
  const Json ping = json(R"({"jsonrpc":"2.0","method":"ping","id":1})");
  EXPECT_TRUE(decode_mcp_batch(Json(std::vector<Json>(kMaxMcpBatch, ping))).has_value());
  for (const Json& wrong :
       {Json::array(), Json(std::vector<Json>(kMaxMcpBatch + 1, ping)), Json::object()}) {
    const auto batch = decode_mcp_batch(wrong);
    ASSERT_FALSE(batch.has_value());
    EXPECT_EQ(batch.error()["error"]["code"], -32600);
  }
}

TEST(McpProgressToken, IsAStringOrANumber) {
  McpMessage message;
  message.params = json(R"({"_meta":{"progressToken":7}})");
  ASSERT_NE(find_progress_token(message), nullptr);
  message.params = json(R"({"_meta":{"progressToken":{}}})");
  EXPECT_EQ(find_progress_token(message), nullptr);
  message.params = json("null");
  EXPECT_EQ(find_progress_token(message), nullptr);
}

TEST(McpToolCall, SaysWhatIsMissing) {
  EXPECT_EQ(decode_tool_call(json("[]")).error().message(), "Request parameters must be an object");
  EXPECT_EQ(decode_tool_call(json("{}")).error().message(), "Missing required 'name' parameter");
  EXPECT_EQ(decode_tool_call(json(R"({"name":"x","arguments":1})")).error().message(),
            "The 'arguments' parameter must be an object");
  EXPECT_TRUE(decode_tool_call(json(R"({"name":"x"})"))->arguments.is_null());
}

TEST(McpTools, AllHaveASchemaAndADescriptionForEveryProperty) {
  const Json tools = mcp_tools(kMcpNewestHandshakeRevision)["tools"];
  std::set<std::string> names;
  for (const Json& tool : tools) {
    names.insert(tool["name"].get<std::string>());
    EXPECT_EQ(tool["inputSchema"]["type"], "object");
    EXPECT_TRUE(tool["inputSchema"]["required"].is_array());
    EXPECT_EQ(tool["outputSchema"]["type"], "object");
    EXPECT_TRUE(tool["annotations"]["readOnlyHint"].is_boolean());
    for (const auto& [name, property] : tool["inputSchema"]["properties"].items()) {
      EXPECT_TRUE(property["description"].is_string()) << name;
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"sandbox_start", "sandbox_stop", "sandbox_run_code",
                                          "sandbox_run_command", "sandbox_get_metrics",
                                          "sandbox_pause", "sandbox_resume", "sandbox_snapshot"}));
}

TEST(McpTools, AStartMaySayWhichWalls) {
  const Json start = mcp_tools(kMcpFirstRevision)["tools"][0];
  const Json config = start["inputSchema"]["properties"]["config"];
  EXPECT_TRUE(config["properties"].contains("isolation"));
  EXPECT_EQ(config["required"], Json::array({"image"}));
}

TEST(McpTools, SayNoMoreThanARevisionKnows) {
  const Json first = mcp_tools(kMcpFirstRevision)["tools"][0];
  EXPECT_FALSE(first.contains("annotations"));
  EXPECT_FALSE(first.contains("outputSchema"));
  const Json second = mcp_tools(kMcpAnnotationsRevision)["tools"][0];
  EXPECT_TRUE(second.contains("annotations"));
  EXPECT_FALSE(second.contains("outputSchema"));
}

TEST(McpToolResult, IsThePrettyTextAndFromARevisionOnTheStructure) {
  const Json result = {{"b", 1}, {"a", "x"}};
  EXPECT_EQ(
      mcp_tool_result(kMcpFirstRevision, result, result),
      (Json{{"content",
             Json::array({{{"type", "text"}, {"text", "{\n  \"a\": \"x\",\n  \"b\": 1\n}"}}})}}));
  EXPECT_EQ(mcp_tool_result(kMcpNewestHandshakeRevision, result, result)["structuredContent"],
            result);
}

TEST(McpPrompts, FallBackToDefaults) {
  const auto prompt = mcp_prompt("create_python_sandbox", Json(), "default");
  ASSERT_TRUE(prompt.has_value());
  const std::string text = (*prompt)["messages"][0]["content"]["text"];
  for (const char* part :
       {"python-sandbox", "'default'", "microsandbox/python", "512", "/workspace"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part;
  }
  EXPECT_FALSE(mcp_prompt("other", Json(), "default").has_value());
  EXPECT_EQ(mcp_prompts(kMcpNewestHandshakeRevision)["prompts"].size(), 2U);
}

}  // namespace
}  // namespace msb::rpc
