// SPDX-License-Identifier: Apache-2.0
#include "rpc/mcp_stateless.h"

#include <algorithm>
#include <utility>

#include "rpc/base64url.h"
#include "rpc/reply.h"

namespace msb::rpc {
namespace {

constexpr char kRevisionKey[] = "io.modelcontextprotocol/protocolVersion";
constexpr char kClientCapabilitiesKey[] = "io.modelcontextprotocol/clientCapabilities";
constexpr char kServerInfoKey[] = "io.modelcontextprotocol/serverInfo";

// How long a client need not ask again. Tools and prompts are those of the program; only another
// program behind the same address has others.
constexpr int kFreshMs = 300'000;

McpRefusal mismatch(const char* field, const std::string& problem) {
  return {.code = kMcpHeaderMismatch,
          .text = "Header mismatch: the " + std::string(field) + " header " + problem,
          .data = nullptr};
}

// A value that a header field cannot carry as it is comes as "=?base64?...?=".
std::optional<std::string> decode_field(std::string_view value) {
  constexpr std::string_view kBegin = "=?base64?";
  constexpr std::string_view kEnd = "?=";
  if (value.size() < kBegin.size() + kEnd.size() || !value.starts_with(kBegin) ||
      !value.ends_with(kEnd)) {
    return std::string(value);
  }
  value.remove_prefix(kBegin.size());
  value.remove_suffix(kEnd.size());
  constexpr std::size_t kGroupChars = 4;
  constexpr int kMaxPadding = 2;
  if (value.size() % kGroupChars != 0) {
    return std::nullopt;
  }
  for (int padding = 0; padding < kMaxPadding && value.ends_with('='); ++padding) {
    value.remove_suffix(1);
  }
  // The same code but for two characters, which then have no other meaning.
  if (value.find_first_of("-_") != std::string_view::npos) {
    return std::nullopt;
  }
  std::string url_form(value);
  std::ranges::replace(url_form, '+', '-');
  std::ranges::replace(url_form, '/', '_');
  return from_base64url(url_form);
}

bool is_cacheable(std::string_view method) {
  return method == "tools/list" || method == "prompts/list" || method == "server/discover";
}

}  // namespace

Json mcp_refusal(const McpRefusal& refusal, const Json& id) {
  Json answer = error_object(refusal.code, refusal.text, id);
  if (!refusal.data.is_null()) {
    answer["error"]["data"] = refusal.data;
  }
  return answer;
}

const std::string* find_request_revision(const McpMessage& request) {
  const Json* meta = find_member(request.params, "_meta");
  return meta == nullptr ? nullptr : find_string(*meta, kRevisionKey);
}

std::optional<McpRefusal> check_request_meta(const McpMessage& request) {
  const auto lacks = [](const char* key) {
    return McpRefusal{.code = kInvalidParamsCode,
                      .text = "The request lacks '" + std::string(key) + "' in params._meta",
                      .data = nullptr};
  };
  if (find_request_revision(request) == nullptr) {
    return lacks(kRevisionKey);
  }
  const Json* capabilities = find_member(request.params["_meta"], kClientCapabilitiesKey);
  if (capabilities == nullptr || !capabilities->is_object()) {
    return lacks(kClientCapabilitiesKey);
  }
  return std::nullopt;
}

McpRefusal refuse_revision(std::string_view requested) {
  return {.code = kMcpUnsupportedRevision,
          .text = "Unsupported protocol version",
          .data = {{"supported", mcp_revisions()}, {"requested", requested}}};
}

std::optional<McpRefusal> check_revision_field(const McpFields& fields, const McpMessage& request) {
  constexpr char kField[] = "MCP-Protocol-Version";
  if (!fields.revision) {
    return mismatch(kField, "is missing");
  }
  if (*fields.revision != *find_request_revision(request)) {
    return mismatch(kField, "does not name the revision of the request");
  }
  return std::nullopt;
}

std::optional<McpRefusal> check_other_fields(const McpFields& fields, const McpMessage& request) {
  if (!fields.method) {
    return mismatch("Mcp-Method", "is missing");
  }
  if (*fields.method != request.method) {
    return mismatch("Mcp-Method", "does not name the method of the request");
  }
  if (request.method != "tools/call" && request.method != "prompts/get") {
    return std::nullopt;
  }
  const std::string* name = find_string(request.params, "name");
  if (name == nullptr) {
    return std::nullopt;  // what is wrong there has its own error
  }
  if (!fields.name) {
    return mismatch("Mcp-Name", "is missing");
  }
  if (decode_field(*fields.name) != *name) {
    return mismatch("Mcp-Name", "does not name what the request names");
  }
  return std::nullopt;
}

Json mcp_discover_result() {
  return {{"supportedVersions", mcp_revisions()},
          {"capabilities", mcp_capabilities()},
          {"instructions", mcp_instructions()}};
}

Json mcp_complete(Json result, std::string_view method, std::string_view server_version) {
  result["resultType"] = "complete";
  result["_meta"][kServerInfoKey] = mcp_server_info(server_version);
  if (is_cacheable(method)) {
    result["ttlMs"] = kFreshMs;
    result["cacheScope"] = "public";
  }
  return result;
}

}  // namespace msb::rpc
