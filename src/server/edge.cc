// SPDX-License-Identifier: Apache-2.0
#include "server/edge.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace msb::server {
namespace {

struct KnownPath {
  std::string_view path;
  Route route;
  std::array<std::string_view, 3> verbs;  // empty ones fill up
  bool needs_key;
};

constexpr std::array<KnownPath, 8> kPaths = {{
    {"/api/v1/health", Route::kHealth, {"GET", "HEAD", ""}, false},
    {"/ready", Route::kReady, {"GET", "HEAD", ""}, false},
    {"/metrics", Route::kMetrics, {"GET", "HEAD", ""}, false},
    {"/api/v1/rpc", Route::kRpc, {"POST", "", ""}, true},
    // Paths that some clients call; an old server has none of them.
    {"/api/v1/sandbox/start", Route::kRpcAlias, {"POST", "", ""}, true},
    {"/api/v1/sandbox/stop", Route::kRpcAlias, {"POST", "", ""}, true},
    {"/api/v1/sandbox/command/run", Route::kRpcAlias, {"POST", "", ""}, true},
    {"/mcp", Route::kMcp, {"POST", "GET", "DELETE"}, true},
}};

Response empty_response(int status) {
  return {.reply = {.status = status, .code = 0, .body = {}}, .content_type = {}, .fields = {}};
}

Response wrong_verb(const KnownPath& known) {
  std::string allowed;
  for (const std::string_view verb : known.verbs) {
    if (!verb.empty()) {
      allowed += allowed.empty() ? "" : ",";
      allowed += verb;
    }
  }
  Response response = empty_response(405);
  response.fields.emplace_back("Allow", std::move(allowed));
  return response;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// "http://host:1/path", as proxies send it: "host:1".
std::optional<std::string_view> authority_of(std::string_view target) {
  const auto scheme = target.find("://");
  if (target.starts_with('/') || scheme == std::string_view::npos) {
    return std::nullopt;
  }
  target.remove_prefix(scheme + 3);
  return target.substr(0, target.find_first_of("/?#"));
}

}  // namespace

Response busy_response() {
  return {.reply = rpc::failure_reply(rpc::Failure::kBusy,
                                      "The server is busy: too many calls are running and waiting; "
                                      "try again later"),
          .fields = {{"Retry-After", "1"}}};
}

Response no_room_response() {
  return {.reply = rpc::failure_reply(rpc::Failure::kBusy,
                                      "The server is busy: the bodies of the requests at hand have "
                                      "used up its memory for them; try again later"),
          .fields = {{"Retry-After", "1"}}};
}

Response too_large_response() {
  return {.reply = rpc::failure_reply(rpc::Failure::kTooLarge,
                                      "Failed to buffer the request body: length limit exceeded"),
          .fields = {}};
}

Response json_response(int status, std::string body) {
  return {.reply = {.status = status, .code = 0, .body = std::move(body)}, .fields = {}};
}

Response readiness_response(bool is_ready) {
  return is_ready ? json_response(200, R"({"ready":true})")
                  : json_response(503, R"({"ready":false,"reason":"shutting down"})");
}

Response preflight_response() {
  return {.reply = {}, .content_type = {}, .fields = {}};
}

Response protocol_failure(int status, const char* text) {
  Response response{.reply = rpc::failure_reply(rpc::Failure::kMalformedJson, text), .fields = {}};
  response.reply.status = status;
  return response;
}

std::string path_of(std::string_view target) {
  if (!target.starts_with('/')) {
    // Absolute form.
    const auto scheme = target.find("://");
    const auto slash = scheme == std::string_view::npos ? scheme : target.find('/', scheme + 3);
    target = slash == std::string_view::npos ? std::string_view() : target.substr(slash);
  }
  target = target.substr(0, target.find_first_of("?#"));
  std::string path;
  for (const char c : target) {
    if (c != '/' || !path.ends_with('/')) {
      path += c;
    }
  }
  return path;
}

bool is_json_media_type(std::string_view content_type) {
  constexpr std::string_view kApplication = "application/";
  constexpr std::string_view kSuffix = "+json";
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (type.size() <= kApplication.size() ||
      !equal_ignoring_case(type.substr(0, kApplication.size()), kApplication)) {
    return false;
  }
  const std::string_view subtype = type.substr(kApplication.size());
  return equal_ignoring_case(subtype, "json") ||
         (subtype.size() > kSuffix.size() &&
          equal_ignoring_case(subtype.substr(subtype.size() - kSuffix.size()), kSuffix));
}

bool accepts(const std::optional<std::string>& accept, std::string_view media_type) {
  std::string_view rest = accept ? std::string_view(*accept) : std::string_view();
  while (!rest.empty()) {
    const auto comma = rest.find(',');
    const std::string_view range = rest.substr(0, comma);
    if (equal_ignoring_case(trimmed(range.substr(0, range.find(';'))), media_type)) {
      return true;
    }
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
  }
  return false;
}

std::expected<Passage, Response> Edge::judge(const RequestHead& head,
                                             std::int64_t now_unix_seconds) const {
  auto refused = access_.check_origin(head.host, head.origin);
  // In the absolute form it is this host that counts, whatever the header says.
  if (const auto authority = authority_of(head.target); authority && !refused) {
    refused = access_.check_origin(authority, head.origin);
  }
  if (refused) {
    return std::unexpected(Response{.reply = *std::move(refused), .fields = {}});
  }
  if (head.verb == "OPTIONS") {
    return Passage{.route = Route::kPreflight, .claims = {}};
  }
  const std::string path = path_of(head.target);
  const auto known = std::ranges::find(kPaths, path, &KnownPath::path);
  if (known == kPaths.end()) {
    return std::unexpected(empty_response(404));
  }
  Passage passage{.route = known->route, .claims = {}};
  if (known->needs_key) {
    auto claims = access_.authenticate(
        {.proxy_authorization = head.proxy_authorization, .authorization = head.authorization},
        now_unix_seconds);
    if (!claims) {
      return std::unexpected(Response{.reply = std::move(claims).error(), .fields = {}});
    }
    passage.claims = *std::move(claims);
  }
  if (std::ranges::find(known->verbs, head.verb) == known->verbs.end()) {
    return std::unexpected(wrong_verb(*known));
  }
  if (head.verb != "POST") {
    return passage;
  }
  if (!head.content_type || !is_json_media_type(*head.content_type)) {
    return std::unexpected(Response{
        .reply = rpc::failure_reply(rpc::Failure::kWrongMediaType,
                                    "Expected request with `Content-Type: application/json`"),
        .fields = {}});
  }
  if (head.content_length.value_or(0) > kMaxBodyBytes) {
    return std::unexpected(too_large_response());
  }
  return passage;
}

FieldList Edge::common_fields(const RequestHead& head) const {
  FieldList fields;
  // Any page may ask. With keys it learns nothing without one; in dev mode pages of other hosts
  // have been refused by now.
  fields.emplace_back("Access-Control-Allow-Origin", "*");
  fields.emplace_back("Vary",
                      "origin, access-control-request-method, access-control-request-headers");
  fields.emplace_back("Access-Control-Expose-Headers", "mcp-session-id, mcp-protocol-version");
  if (head.verb == "OPTIONS") {
    fields.emplace_back("Access-Control-Allow-Methods", "GET,POST,PUT,DELETE");
    fields.emplace_back("Access-Control-Allow-Headers",
                        "authorization,accept,content-type,mcp-session-id,mcp-protocol-version,"
                        "mcp-method,mcp-name,last-event-id");
  }
  return fields;
}

}  // namespace msb::server
