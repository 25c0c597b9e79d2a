// SPDX-License-Identifier: Apache-2.0
//
// Messages of the Model Context Protocol, in every published revision: what they are, and what a
// server that offers tools and prompts says about itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rpc/json.h"

namespace msb::rpc {

// Revisions are dates and compare as such.
inline constexpr std::string_view kMcpFirstRevision = "2024-11-05";
inline constexpr std::string_view kMcpAnnotationsRevision = "2025-03-26";
inline constexpr std::string_view kMcpBatchRevision = "2025-03-26";  // and no other
inline constexpr std::string_view kMcpStructuredRevision = "2025-06-18";
inline constexpr std::string_view kMcpNewestHandshakeRevision = "2025-11-25";
// From here on there is neither handshake nor session: mcp_stateless.h.
inline constexpr std::string_view kMcpStatelessRevision = "2026-07-28";
// What a client speaks that does not say.
inline constexpr std::string_view kMcpAssumedRevision = "2025-03-26";

// The same revision as a constant, or nothing: it is not spoken here.
std::optional<std::string_view> find_mcp_revision(std::string_view wanted);
// All of them, the newest first.
Json mcp_revisions();
// What the handshake agrees on with a client that asks for `wanted`.
std::string_view negotiate_mcp_revision(std::string_view wanted);

struct McpMessage {
  enum class Kind : std::uint8_t { kRequest, kNotification, kResponse };
  Kind kind = Kind::kRequest;
  std::string method;
  Json params;  // null: absent
  std::optional<Json> id;
};

// The message, or the JSON-RPC error that answers it.
std::expected<McpMessage, Json> decode_mcp_message(Json body);

inline constexpr std::size_t kMaxMcpBatch = 64;

// An array of messages. Those that are none have their errors in `refusals`.
struct McpBatch {
  std::vector<McpMessage> messages;
  std::vector<Json> refusals;
};
std::expected<McpBatch, Json> decode_mcp_batch(Json body);

// What an answer to `message` carries as its id; null where there is none.
const Json& answer_id(const McpMessage& message);

// The token under which a request wants to hear of its progress, if it does.
const Json* find_progress_token(const McpMessage& request);

struct ToolCall {
  std::string name;
  Json arguments;  // an object; null: absent
};

// The error's text is the one that clients know.
Result<ToolCall> decode_tool_call(const Json& params);

Json mcp_capabilities();
Json mcp_server_info(std::string_view server_version);
// What a model should know before it sees the tools.
const char* mcp_instructions();
Json mcp_initialize_result(std::string_view revision, std::string_view server_version);
Json mcp_tools(std::string_view revision);
Json mcp_prompts(std::string_view revision);
// Nothing: there is no such prompt. `default_namespace` stands in where none is given.
std::optional<Json> mcp_prompt(std::string_view name, const Json& arguments,
                               std::string_view default_namespace);

// The result of a tool: the text, and the same as a structure where the revision has it.
Json mcp_tool_result(std::string_view revision, const Json& result, Json structured);
Json mcp_tool_failure(std::string_view text);

// What of a run's output a tool's result carries: beyond it a model reads nothing, and pays for it.
inline constexpr std::size_t kMaxToolOutputBytes = 64 * 1024;
// The result of a run whose output is longer keeps its beginning and its end; a line between them
// says what is missing, and so does the member left_out_bytes.
Json with_shortened_output(Json result);

Json mcp_result(Json result, const Json& id);
Json mcp_progress(const Json& token, double progress, std::optional<double> total,
                  std::string_view message);

}  // namespace msb::rpc
