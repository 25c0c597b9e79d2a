// SPDX-License-Identifier: Apache-2.0
//
// The HTTP edge without the sockets: from the head of a request to the route it takes or the reply
// that refuses it, before a byte of its body is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rpc/mcp_stateless.h"
#include "rpc/reply.h"
#include "rpc/token.h"
#include "server/access.h"

namespace msb::server {

inline constexpr std::size_t kMaxBodyBytes = 16 * 1024 * 1024;

// What the server looks at in the head of a request. Names that stand twice are refused where that
// could mean two things (host, authorization, content-length, ...) before a head is made.
struct RequestHead {
  std::string verb;
  std::string target;
  std::optional<std::string> host;
  std::optional<std::string> origin;
  std::optional<std::string> authorization;
  std::optional<std::string> proxy_authorization;
  std::optional<std::string> content_type;
  std::optional<std::string> accept;
  std::optional<std::string> mcp_session;
  rpc::McpFields mcp;
  std::optional<std::uint64_t> content_length;
};

enum class Route : std::uint8_t { kHealth, kReady, kMetrics, kRpc, kRpcAlias, kMcp, kPreflight };

struct Passage {
  Route route = Route::kHealth;
  rpc::Claims claims;  // routes that need a key: what it may do
};

using FieldList = std::vector<std::pair<std::string_view, std::string>>;

struct Response {
  rpc::Reply reply;
  std::string_view content_type = "application/json";  // empty: there is no body
  FieldList fields;
};

// Responses that are the same for every caller.
Response json_response(int status, std::string body);
Response busy_response();
// There is no room for the body now.
Response no_room_response();
Response too_large_response();
Response readiness_response(bool is_ready);
// What was sent is not HTTP as this server wants it.
Response protocol_failure(int status, const char* text);
// Empty, with the fields that every response has.
Response preflight_response();

class Edge {
 public:
  explicit Edge(const Access& access) : access_(access) {}

  std::expected<Passage, Response> judge(const RequestHead& head,
                                         std::int64_t now_unix_seconds) const;
  // Fields that every response to `head` carries.
  FieldList common_fields(const RequestHead& head) const;

 private:
  const Access& access_;
};

// The path as routes are compared: no query, no host, one slash where there were several.
std::string path_of(std::string_view target);
// "application/json", or "application/" anything "+json", whatever its parameters.
bool is_json_media_type(std::string_view content_type);
// `accept` names the type itself, not only a wildcard.
bool accepts(const std::optional<std::string>& accept, std::string_view media_type);

}  // namespace msb::server
