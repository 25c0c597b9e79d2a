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
  std::string_view failure;  // how its failures begin
  // For clients of the first servers: an error of JSON-RPC, as they know it, and no result.
  bool fails_as_error;
};

constexpr std::array<ToolMethod, 8> kTools = {{
    {"sandbox_start", Method::kStart, "Error: Sandbox start failed: ", false},
    {"sandbox_stop", Method::kStop, "Error: Sandbox stop failed: ", false},
    {"sandbox_run_code", Method::kRunCode, "Error: Run code failed: ", true},
    {"sandbox_run_command", Method::kRunCommand, "Error: Run command failed: ", true},
    {"sandbox_pause", Method::kPause, "Error: Sandbox pause failed: ", false},
    {"sandbox_resume", Method::kResume, "Error: Sandbox resume failed: ", false},
    {"sandbox_snapshot", Method::kSnapshot, "Error: Sandbox snapshot failed: ", false},
    {"sandbox_get_metrics", Method::kMetrics, "Error: Get metrics failed: ", false},
}};

const ToolMethod* find_tool(std::string_view name) {
  const auto* tool = std::ranges::find(kTools, name, &ToolMethod::tool);
  return tool == kTools.end() ? nullptr : tool;
}

// The reason as a model can act on it: it knows tools, not methods.
std::string reason_of(const ToolMethod& tool, const MethodFailure& failure, const Json& arguments) {
  std::string text = failure.error.message();
  constexpr std::string_view kMethodName = "sandbox.start";
  if (const auto at = text.find(kMethodName); at != std::string::npos) {
    text.replace(at, kMethodName.size(), "sandbox_start");
  }
  const bool lacks_image = tool.method == Method::kStart &&
                           failure.kind == rpc::Failure::kInvalidParams &&
                           rpc::find_present(arguments, "config") == nullptr;
  if (lacks_image && rpc::find_string(arguments, "sandbox") != nullptr) {
    text += R"(; for a new sandbox give a config, for example {"image": "microsandbox/python"})";
  }
  return text;
}

std::string classic_reason_of(const MethodFailure& failure) {
  const char* kind = failure.kind == rpc::Failure::kInvalidParams ? "Validation error: "
                                                                  : "Internal server error: ";
  return kind + failure.error.message();
}

// `kind` is what clients of the first servers know the failure by.
std::unexpected<rpc::McpRefusal> refuse(const McpCaller& caller, int code, const char* kind,
                                        const std::string& text) {
  if (caller.has_agreed) {
    return std::unexpected(rpc::McpRefusal{.code = code, .text = text, .data = nullptr});
  }
  return std::unexpected(rpc::McpRefusal{
      .code = rpc::kInternalError,
      .text = "MCP method error: " + std::string(kind) + ": " + text,
      .data = nullptr,
  });
}

constexpr char kInvalid[] = "Validation error";
constexpr char kNotFound[] = "Resource not found";

// The same as the text, as an object: a bare string is no structured content.
Json structure_of(const Json& result, const Json& arguments) {
  if (!result.is_string()) {
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

std::string_view McpDispatcher::tool_of(const rpc::McpMessage& request) {
  const std::string* name = rpc::find_string(request.params, "name");
  const ToolMethod* tool =
      request.method == "tools/call" && name != nullptr ? find_tool(*name) : nullptr;
  return tool == nullptr ? std::string_view() : tool->tool;
}

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
  auto result = result_of(request, caller, progress, std::move(stop));
  if (!result) {
    return rpc::mcp_refusal(result.error(), rpc::answer_id(request));
  }
  if (caller.revision >= rpc::kMcpStatelessRevision) {
    result = rpc::mcp_complete(*std::move(result), request.method, server_version_);
  }
  return rpc::mcp_result(*std::move(result), rpc::answer_id(request));
}

McpDispatcher::Result McpDispatcher::result_of(const rpc::McpMessage& request,
                                               const McpCaller& caller, McpProgress* progress,
                                               std::stop_token stop) const {
  const std::string& method = request.method;
  if (method == "tools/list") {
    return rpc::mcp_tools(caller.revision);
  }
  if (method == "tools/call") {
    return call_tool(request, caller, progress, std::move(stop));
  }
  if (method == "prompts/list") {
    return rpc::mcp_prompts(caller.revision);
  }
  if (method == "prompts/get") {
    return get_prompt(request, caller);
  }
  if (caller.revision >= rpc::kMcpStatelessRevision) {
    if (method == "server/discover") {
      return rpc::mcp_discover_result();
    }
  } else if (method == "initialize") {
    const std::string* wanted = rpc::find_string(request.params, "protocolVersion");
    const auto revision = rpc::negotiate_mcp_revision(wanted == nullptr ? "" : *wanted);
    return rpc::mcp_initialize_result(revision, server_version_);
  } else if (method == "ping") {
    return Json::object();
  }
  return refuse(caller, rpc::kMethodNotFound, kNotFound, "MCP method '" + method + "' not found");
}

McpDispatcher::Result McpDispatcher::get_prompt(const rpc::McpMessage& request,
                                                const McpCaller& caller) {
  const std::string* name = rpc::find_string(request.params, "name");
  if (name == nullptr) {
    return refuse(caller, rpc::kInvalidParamsCode, kInvalid, "Missing required 'name' parameter");
  }
  const Json* arguments = rpc::find_present(request.params, "arguments");
  auto prompt = rpc::mcp_prompt(*name, arguments == nullptr ? Json() : *arguments,
                                default_namespace(caller.claims));
  if (!prompt) {
    return refuse(caller, rpc::kInvalidParamsCode, kNotFound, "Prompt '" + *name + "' not found");
  }
  return *std::move(prompt);
}

McpDispatcher::Result McpDispatcher::call_tool(const rpc::McpMessage& request,
                                               const McpCaller& caller, McpProgress* progress,
                                               std::stop_token stop) const {
  auto call = rpc::decode_tool_call(request.params);
  if (!call) {
    return refuse(caller, rpc::kInvalidParamsCode, kInvalid, call.error().message());
  }
  if (call->arguments.is_null()) {
    if (!caller.has_agreed) {
      return refuse(caller, rpc::kInvalidParamsCode, kInvalid,
                    "Missing required 'arguments' parameter");
    }
    call->arguments = Json::object();
  }
  const ToolMethod* tool = find_tool(call->name);
  if (tool == nullptr) {
    return refuse(caller, rpc::kInvalidParamsCode, kNotFound,
                  "Tool '" + call->name + "' not found");
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
  auto outcome = methods_.call(tool->method, &call->arguments, hooks);
  if (outcome) {
    const Json result = rpc::with_shortened_output(*std::move(outcome));
    return rpc::mcp_tool_result(caller.revision, result, structure_of(result, call->arguments));
  }
  if (caller.has_agreed) {
    return rpc::mcp_tool_failure(std::string(tool->failure) +
                                 reason_of(*tool, outcome.error(), call->arguments));
  }
  const std::string reason = classic_reason_of(outcome.error());
  if (tool->fails_as_error) {
    return std::unexpected(rpc::McpRefusal{
        .code = rpc::kInternalError, .text = "Internal error: " + reason, .data = nullptr});
  }
  return rpc::mcp_tool_failure(std::string(tool->failure) + reason);
}

}  // namespace msb::server
