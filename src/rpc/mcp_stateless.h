// SPDX-License-Identifier: Apache-2.0
//
// What MCP is from 2026-07-28 on: no handshake and no session. Each request names its revision and
// the capabilities of its client in _meta, and over HTTP a second time in header fields, which must
// say the same; each result names its server.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "rpc/mcp.h"

namespace msb::rpc {

inline constexpr int kMcpHeaderMismatch = -32020;
inline constexpr int kMcpUnsupportedRevision = -32022;

// Why a request has no result.
struct McpRefusal {
  int code = 0;
  std::string text;
  Json data;  // null: none
};
Json mcp_refusal(const McpRefusal& refusal, const Json& id);

// The revision that a request names itself; null: it does not.
const std::string* find_request_revision(const McpMessage& request);

// What is missing of what every request must carry.
std::optional<McpRefusal> check_request_meta(const McpMessage& request);
// A revision that is not spoken here; the client learns which are.
McpRefusal refuse_revision(std::string_view requested);

// The header fields that repeat parts of a request, as they came.
struct McpFields {
  std::optional<std::string> revision;  // MCP-Protocol-Version
  std::optional<std::string> method;    // Mcp-Method
  std::optional<std::string> name;      // Mcp-Name, of the tool or the prompt
};
std::optional<McpRefusal> check_revision_field(const McpFields& fields, const McpMessage& request);
std::optional<McpRefusal> check_other_fields(const McpFields& fields, const McpMessage& request);

Json mcp_discover_result();
// The result of `method` as these revisions want it.
Json mcp_complete(Json result, std::string_view method, std::string_view server_version);

}  // namespace msb::rpc
