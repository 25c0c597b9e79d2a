// SPDX-License-Identifier: Apache-2.0
#include "server/access.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "base/parse.h"

namespace msb::server {
namespace {

using rpc::Failure;

constexpr char kNoCredentials[] = "Invalid credentials";
constexpr char kBadToken[] = "Invalid or expired token";
constexpr char kDenied[] = "Access denied";

bool is_ascii_text(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  return lower;
}

}  // namespace

std::expected<rpc::Claims, rpc::Reply> Access::authenticate(const Credentials& credentials,
                                                            std::int64_t now_unix_seconds) const {
  if (!server_key_) {
    return rpc::Claims{};
  }
  const auto& value =
      credentials.proxy_authorization ? credentials.proxy_authorization : credentials.authorization;
  if (!value || !is_ascii_text(*value)) {
    return std::unexpected(rpc::failure_reply(Failure::kNoCredentials, kNoCredentials));
  }
  std::string_view key = *value;
  constexpr std::string_view kBearer = "Bearer ";
  if (key.starts_with(kBearer)) {
    key.remove_prefix(kBearer.size());
  }
  if (!key.starts_with("msb_")) {
    return std::unexpected(rpc::failure_reply(Failure::kNoCredentials, kNoCredentials));
  }
  auto claims = rpc::verify_token(key, *server_key_, now_unix_seconds);
  if (!claims) {
    return std::unexpected(rpc::failure_reply(Failure::kBadToken, kBadToken));
  }
  return *std::move(claims);
}

std::optional<rpc::Reply> Access::check_origin(std::optional<std::string_view> host,
                                               std::optional<std::string_view> origin) const {
  if (!is_dev_mode()) {
    return std::nullopt;
  }
  if (host && !is_loopback_authority(*host)) {
    return rpc::failure_reply(Failure::kDenied,
                              "Access denied: in dev mode this server answers to localhost and "
                              "loopback addresses only (Host header)");
  }
  if (origin) {
    std::string_view authority = *origin;
    const auto scheme = authority.find("://");
    authority.remove_prefix(scheme == std::string_view::npos ? authority.size() : scheme + 3);
    if (!is_loopback_authority(authority)) {
      return rpc::failure_reply(Failure::kDenied,
                                "Access denied: in dev mode this server does not answer pages of "
                                "other hosts (Origin header)");
    }
  }
  return std::nullopt;
}

std::optional<rpc::Reply> check_scope(const rpc::Claims& claims, const rpc::Json& body) {
  if (claims.namespace_name == rpc::kAllNamespaces) {
    return std::nullopt;
  }
  const std::string* method = rpc::find_string(body, "method");
  if (method == nullptr) {
    return rpc::failure_reply(Failure::kInvalidParams,
                              "Invalid JSON-RPC request: missing field `method`");
  }
  const rpc::Json* params = rpc::find_present(body, "params");
  if (params == nullptr) {
    return rpc::failure_reply(Failure::kInvalidParams,
                              "Missing 'params' field in JSON-RPC request");
  }
  const std::string* name = rpc::find_string(*params, "namespace");
  if (name == nullptr) {
    return rpc::failure_reply(
        Failure::kInvalidParams,
        "Missing or invalid 'namespace' in params for method '" + method->substr(0, 100) + "'");
  }
  if (!claims.covers(*name)) {
    return rpc::failure_reply(Failure::kDenied, kDenied);
  }
  return std::nullopt;
}

bool is_loopback_authority(std::string_view authority) {
  std::string host;
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) {
      return false;
    }
    host = std::string(authority.substr(1, end - 1));
    port = authority.substr(end + 1);
    in6_addr address{};
    if (::inet_pton(AF_INET6, host.c_str(), &address) != 1 || !IN6_IS_ADDR_LOOPBACK(&address)) {
      return false;
    }
  } else {
    const auto colon = authority.find(':');
    host = lower_case(authority.substr(0, colon));
    port = colon == std::string_view::npos ? std::string_view() : authority.substr(colon);
    in_addr address{};
    const bool in_loopback =
        ::inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
    if (host != "localhost" && !in_loopback) {
      return false;
    }
  }
  return port.empty() ||
         (port.front() == ':' && base::parse_number<std::uint16_t>(port.substr(1)).has_value());
}

}  // namespace msb::server
