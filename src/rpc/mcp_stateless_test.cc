// SPDX-License-Identifier: Apache-2.0
#include "rpc/mcp_stateless.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

namespace msb::rpc {
namespace {

McpMessage request(const char* method, const char* params) {
  McpMessage message;
  message.method = method;
  message.params = Json::parse(params);
  message.id = 1;
  return message;
}

using Text = std::optional<std::string>;

McpFields fields(Text revision, Text method = {}, Text name = {}) {
  return {.revision = std::move(revision), .method = std::move(method), .name = std::move(name)};
}

constexpr char kMeta[] = R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",)"
                         R"("io.modelcontextprotocol/clientCapabilities":{}}})";

TEST(McpStateless, SaysWhatARequestLacks) {
  EXPECT_FALSE(check_request_meta(request("tools/list", kMeta)).has_value());
  for (const char* params : {"null", "[]", "{}", R"({"_meta":1})", R"({"_meta":{}})",
                             R"({"_meta":{"io.modelcontextprotocol/protocolVersion":1}})"}) {
    const auto refusal = check_request_meta(request("tools/list", params));
    ASSERT_TRUE(refusal.has_value()) << params;
    EXPECT_EQ(refusal->code, -32602);
    EXPECT_NE(refusal->text.find("protocolVersion"), std::string::npos) << refusal->text;
  }
  const auto refusal = check_request_meta(
      request("x", R"({"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}})"));
  ASSERT_TRUE(refusal.has_value());
  EXPECT_NE(refusal->text.find("clientCapabilities"), std::string::npos);
}

TEST(McpStateless, AnUnknownRevisionIsAnsweredWithTheKnownOnes) {
  const Json answer = mcp_refusal(refuse_revision("3000-01-01"), 7);
  EXPECT_EQ(answer["id"], 7);
  EXPECT_EQ(answer["error"]["code"], -32022);
  EXPECT_EQ(answer["error"]["data"]["requested"], "3000-01-01");
  EXPECT_EQ(answer["error"]["data"]["supported"],
            (Json{"2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"}));
}

TEST(McpStateless, TheRevisionFieldMustSayWhatTheRequestSays) {
  const McpMessage message = request("tools/list", kMeta);
  EXPECT_EQ(check_revision_field(fields({}), message)->code, -32020);
  EXPECT_EQ(check_revision_field(fields("2025-11-25"), message)->code, -32020);
  EXPECT_FALSE(check_revision_field(fields("2026-07-28"), message).has_value());
}

TEST(McpStateless, MethodAndNameMustStandInTheHeaderAsInTheBody) {
  const McpMessage list = request("tools/list", kMeta);
  EXPECT_EQ(check_other_fields(fields({}), list)->code, -32020);
  EXPECT_EQ(check_other_fields(fields({}, "TOOLS/LIST"), list)->code, -32020);
  EXPECT_FALSE(check_other_fields(fields({}, "tools/list"), list).has_value());
  const McpMessage call = request("tools/call", R"({"name":"a name"})");
  EXPECT_EQ(check_other_fields(fields({}, "tools/call"), call)->code, -32020);
  EXPECT_EQ(check_other_fields(fields({}, "tools/call", "other"), call)->code, -32020);
  EXPECT_FALSE(check_other_fields(fields({}, "tools/call", "a name"), call).has_value());
}

TEST(McpStateless, ANameMayComeEncoded) {
  const McpMessage call = request("prompts/get", R"({"name":"\u20ac?>"})");
  const auto check = [&](const char* name) {
    return check_other_fields(fields({}, "prompts/get", name), call).has_value();
  };
  EXPECT_FALSE(check("=?base64?4oKsPz4=?="));
  for (const char* wrong : {"=?base64?4oKsPz4?=", "=?base64?4oKsPz4-?=", "=?base64?!!!!?=",
                            "=?base64?\?=", "=?base64?=", "4oKsPz4="}) {
    EXPECT_TRUE(check(wrong)) << wrong;
  }
}

TEST(McpStateless, AResultNamesItsServerAndHowLongItHolds) {
  const Json list = mcp_complete(mcp_tools(kMcpStatelessRevision), "tools/list", "1.2.3");
  EXPECT_EQ(list["resultType"], "complete");
  EXPECT_EQ(list["_meta"]["io.modelcontextprotocol/serverInfo"]["version"], "1.2.3");
  EXPECT_TRUE(list["ttlMs"].is_number_unsigned() || list["ttlMs"].is_number_integer());
  EXPECT_EQ(list["cacheScope"], "public");
  EXPECT_FALSE(mcp_complete(Json::object(), "tools/call", "1").contains("ttlMs"));
  EXPECT_EQ(mcp_discover_result()["capabilities"], mcp_capabilities());
}

}  // namespace
}  // namespace msb::rpc
