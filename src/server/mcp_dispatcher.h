// SPDX-License-Identifier: Apache-2.0
//
// MCP without a transport: from a request to its answer. HTTP and stdio are two ways to get here.
#pragma once

#include <expected>
#include <stop_token>
#include <string>
#include <string_view>

#include "rpc/json.h"
#include "rpc/mcp.h"
#include "rpc/mcp_stateless.h"
#include "rpc/token.h"
#include "server/mcp_progress.h"
#include "server/methods.h"

namespace msb::server {

struct McpCaller {
  rpc::Claims claims;
  std::string_view revision = rpc::kMcpAssumedRevision;
  // The client has said which revision it speaks: by the handshake, a header field or in the
  // request. One that has not is taken for a client of the first servers, and gets failures in the
  // form that those gave them.
  bool has_agreed = false;
};

class McpDispatcher {
 public:
  McpDispatcher(Methods& methods, std::string server_version)
      : methods_(methods), server_version_(std::move(server_version)) {}

  // The whole JSON-RPC answer to a request. Blocks for tools/call, else it returns at once.
  // `progress` may be null.
  rpc::Json answer(const rpc::McpMessage& request, const McpCaller& caller, McpProgress* progress,
                   std::stop_token stop) const;

  // The tool that `request` calls, if it is one of ours; else empty.
  static std::string_view tool_of(const rpc::McpMessage& request);
  // True: `request` calls a tool in a namespace that `claims` do not cover.
  static bool is_denied(const rpc::McpMessage& request, const rpc::Claims& claims);

 private:
  using Result = std::expected<rpc::Json, rpc::McpRefusal>;
  Result result_of(const rpc::McpMessage& request, const McpCaller& caller, McpProgress* progress,
                   std::stop_token stop) const;
  static Result get_prompt(const rpc::McpMessage& request, const McpCaller& caller);
  Result call_tool(const rpc::McpMessage& request, const McpCaller& caller, McpProgress* progress,
                   std::stop_token stop) const;

  Methods& methods_;
  const std::string server_version_;
};

}  // namespace msb::server
