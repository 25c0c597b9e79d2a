// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_dispatcher.h"

#include <algorithm>
#include <array>
#include <utility>

#include "rpc/reply.h"

namespace msb::server {
namespace {

using rpc::Json;

struct ToolMethod {
  std::string_view tool;
  Method method;
  // How its failures begin; empty: they are JSON-RPC errors, as clients know them.
  std::string_view failure;
};

constexpr std::array<ToolMethod, 5> kTools = {{
    {"sandbox_start", Method::kStart, "Error: Sandbox start failed: "},
    {"sandbox_stop", Method::kStop, "Error: Sandbox stop failed: "},
    {"sandbox_run_code", Method::kRunCode, ""},
    {"sandbox_run_command", Method::kRunCommand, ""},
    {"sandbox_get_metrics", Method::kMetrics, "Error: Get metrics failed: "},
}};

std::string text_of(const MethodFailure& failure) {
  const char* kind = failure.kind == rpc::Failure::kInvalidParams ? "Validation error: "
                                                                  : "Internal server error: ";
  return kind + failure.error.message();
}

Json method_error(std::string_view text, const Json& id) {
  return rpc::error_object(rpc::kInternalError, "MCP method error: " + std::string(text), id);
}

// The same as the text, as an object: a bare string is no structured content.
Json structure_of(const ToolMethod& tool, const Json& result, const Json& arguments) {
  if (tool.method != Method::kStart && tool.method != Method::kStop) {
    return result;
  }
  return {{"message", result},
          {"sandbox", *rpc::find_string(arguments, "sandbox")},
          {"namespace", *rpc::find_string(arguments, "namespace")}};
}

std::string default_namespace(const rpc::Claims& claims) {
  return claims.namespace_name == rpc::kAllNamespaces ? rpc::kDefaultNamespace
                                                      : claims.namespace_name;
}

}  // namespace

bool McpDispatcher::is_denied(const rpc::McpMessage& request, const rpc::Claims& claims) {
  if (request.method != "tools/call") {
    return false;
  }
  const Json* arguments = rpc::find_present(request.params, "arguments");
  const Json* name = arguments == nullptr ? nullptr : rpc::find_present(*arguments, "namespace");
  const std::string* text = name == nullptr ? nullptr : name->get_ptr<const std::string*>();
  return text != nullptr && !claims.covers(*text);
}

Json McpDispatcher::answer(const rpc::McpMessage& request, const McpCaller& caller,
                           McpProgress* progress, std::stop_token stop) const {
  const Json& id = *request.id;
  if (request.method == "initialize") {
    const std::string* wanted = rpc::find_string(request.params, "protocolVersion");
    const auto revision = rpc::negotiate_mcp_revision(wanted == nullptr ? "" : *wanted);
    return rpc::mcp_result(rpc::mcp_initialize_result(revision, server_version_), id);
  }
  if (request.method == "ping") {
    return rpc::mcp_result(Json::object(), id);
  }
  if (request.method == "tools/list") {
    return rpc::mcp_result(rpc::mcp_tools(caller.revision), id);
  }
  if (request.method == "tools/call") {
    return call_tool(request, caller, progress, std::move(stop));
  }
  if (request.method == "prompts/list") {
    return rpc::mcp_result(rpc::mcp_prompts(), id);
  }
  if (request.method == "prompts/get") {
    const std::string* name = rpc::find_string(request.params, "name");
    if (name == nullptr) {
      return method_error("Validation error: Missing required 'name' parameter", id);
    }
    const Json* arguments = rpc::find_present(request.params, "arguments");
    auto prompt = rpc::mcp_prompt(*name, arguments == nullptr ? Json() : *arguments,
                                  default_namespace(caller.claims));
    if (!prompt) {
      return method_error("Resource not found: Prompt '" + *name + "' not found", id);
    }
    return rpc::mcp_result(*std::move(prompt), id);
  }
  return method_error("Resource not found: MCP method '" + request.method + "' not found", id);
}

Json McpDispatcher::call_tool(const rpc::McpMessage& request, const McpCaller& caller,
                              McpProgress* progress, std::stop_token stop) const {
  const Json& id = *request.id;
  auto call = rpc::decode_tool_call(request.params);
  if (!call) {
    return method_error("Validation error: " + call.error().message(), id);
  }
  const auto* tool = std::ranges::find(kTools, call->name, &ToolMethod::tool);
  if (tool == kTools.end()) {
    return method_error("Resource not found: Tool '" + call->name + "' not found", id);
  }
  // A scoped key speaks for its namespace; nobody has to repeat that.
  if (rpc::find_present(call->arguments, "namespace") == nullptr) {
    call->arguments["namespace"] = default_namespace(caller.claims);
  }
  CallHooks hooks;
  hooks.stop = std::move(stop);
  if (progress != nullptr) {
    hooks.on_output = [progress](rpc::Stream, std::string_view bytes) { progress->wrote(bytes); };
    hooks.on_pull = [progress](std::uint64_t done, std::uint64_t total) {
      progress->pulled(done, total);
    };
  }
  const auto outcome = methods_.call(tool->method, &call->arguments, hooks);
  if (outcome) {
    return rpc::mcp_result(rpc::mcp_tool_result(caller.revision, *outcome,
                                                structure_of(*tool, *outcome, call->arguments)),
                           id);
  }
  if (tool->failure.empty()) {
    return rpc::error_object(rpc::kInternalError, "Internal error: " + text_of(outcome.error()),
                             id);
  }
  return rpc::mcp_result(
      rpc::mcp_tool_failure(std::string(tool->failure) + text_of(outcome.error())), id);
}

}  // namespace msb::server
