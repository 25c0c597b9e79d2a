// SPDX-License-Identifier: Apache-2.0
//
// The HTTP around answers of MCP.
#pragma once

#include <utility>

#include "rpc/mcp_stateless.h"
#include "server/edge.h"

namespace msb::server {

inline Response mcp_response(int status, const rpc::Json& body) {
  return json_response(status, rpc::to_text(body));
}

inline Response mcp_error(int status, const rpc::McpRefusal& refusal) {
  Response response = mcp_response(status, rpc::mcp_refusal(refusal, rpc::Json()));
  response.reply.code = refusal.code;
  return response;
}

inline Response mcp_empty(int status) {
  return {.reply = {.status = status, .code = 0, .body = {}}, .content_type = {}, .fields = {}};
}

}  // namespace msb::server
