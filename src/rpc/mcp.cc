// SPDX-License-Identifier: Apache-2.0
#include "rpc/mcp.h"

#include <array>
#include <utility>

#include "rpc/reply.h"

namespace msb::rpc {
namespace {

constexpr std::array kRevisions = {kMcpStatelessRevision, kMcpNewestHandshakeRevision,
                                   kMcpStructuredRevision, kMcpAnnotationsRevision,
                                   kMcpFirstRevision};

constexpr char kInstructions[] =
    "Runs code and commands in isolated sandboxes. Start one with sandbox_start, use it with "
    "sandbox_run_code and sandbox_run_command as often as needed (variables and files stay between "
    "calls), and end it with sandbox_stop. Files of a stopped sandbox are kept under its name; "
    "variables are not. Long output is cut in the middle: write it to a file in the sandbox and "
    "read the part you need.";

std::unexpected<Json> invalid_request(std::string_view text, const std::optional<Json>& id) {
  // JSON-RPC wants a null id where none could be read.
  return std::unexpected(error_object(kInvalidRequest, text, id ? *id : Json()));
}

std::unexpected<Error> not_a_call(std::string text) {
  return fail(ErrorCode::kInvalidArgument, std::move(text));
}

}  // namespace

std::optional<std::string_view> find_mcp_revision(std::string_view wanted) {
  for (const std::string_view revision : kRevisions) {
    if (revision == wanted) {
      return revision;
    }
  }
  return std::nullopt;
}

Json mcp_revisions() {
  return kRevisions;
}

std::string_view negotiate_mcp_revision(std::string_view wanted) {
  const auto revision = find_mcp_revision(wanted);
  return revision && *revision < kMcpStatelessRevision ? *revision : kMcpNewestHandshakeRevision;
}

std::expected<McpMessage, Json> decode_mcp_message(Json body) {
  if (body.is_array()) {
    return invalid_request("Batches belong to the revision 2025-03-26; send one message at a time",
                           {});
  }
  if (!body.is_object()) {
    return invalid_request("Expected a JSON-RPC message", {});
  }
  McpMessage message;
  if (const auto id = body.find("id"); id != body.end() && !id->is_null()) {
    message.id = std::move(*id);
  }
  const std::string* version = find_string(body, "jsonrpc");
  if (version == nullptr || *version != "2.0") {
    return invalid_request("Invalid or missing jsonrpc version field", message.id);
  }
  const std::string* method = find_string(body, "method");
  if (method == nullptr) {
    if (message.id && (body.contains("result") || body.contains("error"))) {
      message.kind = McpMessage::Kind::kResponse;
      return message;
    }
    return invalid_request("Missing method", message.id);
  }
  message.method = *method;
  if (const auto params = body.find("params"); params != body.end()) {
    message.params = std::move(*params);
  }
  // A notification stays one even if a client gives it an id.
  if (!message.id || message.method.starts_with("notifications/")) {
    message.kind = McpMessage::Kind::kNotification;
  }
  return message;
}

std::expected<McpBatch, Json> decode_mcp_batch(Json body) {
  if (!body.is_array() || body.empty() || body.size() > kMaxMcpBatch) {
    return invalid_request(
        "A batch is an array of 1 to " + std::to_string(kMaxMcpBatch) + " messages", {});
  }
  McpBatch batch;
  for (Json& one : body) {
    auto message = decode_mcp_message(std::move(one));
    if (!message) {
      batch.refusals.push_back(std::move(message).error());
    } else if (message->method == "initialize") {
      batch.refusals.push_back(error_object(
          kInvalidRequest, "initialize must not be part of a batch", message->id.value_or(Json())));
    } else {
      batch.messages.push_back(*std::move(message));
    }
  }
  return batch;
}

const Json& answer_id(const McpMessage& message) {
  static const Json kNoId;
  return message.id ? *message.id : kNoId;
}

const Json* find_progress_token(const McpMessage& request) {
  const Json* meta = find_member(request.params, "_meta");
  const Json* token = meta == nullptr ? nullptr : find_present(*meta, "progressToken");
  const bool usable = token != nullptr && (token->is_string() || token->is_number());
  return usable ? token : nullptr;
}

Result<ToolCall> decode_tool_call(const Json& params) {
  if (!params.is_object()) {
    return not_a_call("Request parameters must be an object");
  }
  const std::string* name = find_string(params, "name");
  if (name == nullptr) {
    return not_a_call("Missing required 'name' parameter");
  }
  const Json* arguments = find_present(params, "arguments");
  if (arguments != nullptr && !arguments->is_object()) {
    return not_a_call("The 'arguments' parameter must be an object");
  }
  return ToolCall{.name = *name, .arguments = arguments == nullptr ? Json() : *arguments};
}

Json mcp_capabilities() {
  return {{"tools", {{"listChanged", false}}}, {"prompts", {{"listChanged", false}}}};
}

Json mcp_server_info(std::string_view server_version) {
  return {{"name", "microsandbox-server"}, {"version", server_version}};
}

const char* mcp_instructions() {
  return kInstructions;
}

Json mcp_initialize_result(std::string_view revision, std::string_view server_version) {
  return {{"protocolVersion", revision},
          {"capabilities", mcp_capabilities()},
          {"serverInfo", mcp_server_info(server_version)},
          {"instructions", kInstructions}};
}

Json mcp_tool_result(std::string_view revision, const Json& result, Json structured) {
  Json content = Json::array({{{"type", "text"}, {"text", to_pretty_text(result)}}});
  Json answer = {{"content", std::move(content)}};
  if (revision >= kMcpStructuredRevision) {
    answer["structuredContent"] = std::move(structured);
  }
  return answer;
}

Json mcp_tool_failure(std::string_view text) {
  return {{"content", Json::array({{{"type", "text"}, {"text", text}}})}, {"isError", true}};
}

Json mcp_result(Json result, const Json& id) {
  return {{"jsonrpc", "2.0"}, {"result", std::move(result)}, {"id", id}};
}

Json mcp_progress(const Json& token, double progress, std::optional<double> total,
                  std::string_view message) {
  Json params = {{"progressToken", token}, {"progress", progress}};
  if (total) {
    params["total"] = *total;
  }
  if (!message.empty()) {
    params["message"] = message;
  }
  return {{"jsonrpc", "2.0"}, {"method", "notifications/progress"}, {"params", std::move(params)}};
}

}  // namespace msb::rpc
