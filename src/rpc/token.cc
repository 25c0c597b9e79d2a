// SPDX-License-Identifier: Apache-2.0
#include "rpc/token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <limits>
#include <utility>

#include "base/check.h"
#include "base/parse.h"
#include "rpc/base64url.h"
#include "rpc/json.h"

namespace msb::rpc {
namespace {

constexpr std::string_view kPrefix = "msb_";
constexpr std::string_view kHeader = R"({"typ":"JWT","alg":"HS256"})";
constexpr std::size_t kSignatureBytes = 32;

std::string sign(std::string_view text, std::string_view key) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  MSB_CHECK(key.size() <= static_cast<std::size_t>(std::numeric_limits<int>::max()));
  // SAFETY: unsigned char may alias any object representation.
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  MSB_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, text.size(),
                 digest.data(), &size) != nullptr);
  MSB_CHECK(size == kSignatureBytes);
  // SAFETY: as above.
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::unexpected<Error> refused(const char* reason) {
  return fail(ErrorCode::kPermissionDenied, std::string("token: ") + reason);
}

// A claim in whole seconds since 1970.
std::optional<std::int64_t> seconds_claim(const Json& payload, const char* name) {
  const Json* value = find_member(payload, name);
  if (value == nullptr || !value->is_number_unsigned()) {
    return std::nullopt;
  }
  const auto seconds = value->get<std::uint64_t>();
  if (seconds > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    return std::nullopt;
  }
  return static_cast<std::int64_t>(seconds);
}

Result<Claims> check_payload(const Json& payload, std::int64_t now) {
  Claims claims;
  const auto expires_at = seconds_claim(payload, "exp");
  const auto issued_at = seconds_claim(payload, "iat");
  if (!expires_at || !issued_at) {
    return refused("exp or iat is missing or no time");
  }
  // Compared so that nothing can overflow: exp is at least 0.
  if (*expires_at < now - kExpiryLeeway.count()) {
    return refused("expired");
  }
  // We issue none with a beginning; who signs his own with our key means it.
  if (find_member(payload, "nbf") != nullptr) {
    const auto begins_at = seconds_claim(payload, "nbf");
    if (!begins_at || *begins_at > now + kExpiryLeeway.count()) {
      return refused("not valid yet");
    }
  }
  if (find_member(payload, "aud") != nullptr) {
    return refused("it is meant for another audience");
  }
  if (const Json* name = find_member(payload, "namespace")) {
    if (!name->is_string()) {
      return refused("namespace is no string");
    }
    claims.namespace_name = name->get<std::string>();
  }
  claims.expires_at = *expires_at;
  claims.issued_at = *issued_at;
  return claims;
}

}  // namespace

std::string issue_token(const Claims& claims, std::string_view server_key) {
  // By hand, because the order of the members is part of what older servers sign.
  const std::string payload = "{\"exp\":" + std::to_string(claims.expires_at) +
                              ",\"iat\":" + std::to_string(claims.issued_at) +
                              ",\"namespace\":" + to_text(claims.namespace_name) + "}";
  const std::string text = to_base64url(kHeader) + "." + to_base64url(payload);
  return std::string(kPrefix) + text + "." + to_base64url(sign(text, server_key));
}

Result<Claims> verify_token(std::string_view token, std::string_view server_key,
                            std::int64_t now_unix_seconds) {
  if (server_key.empty()) {
    return refused("there is no server key");
  }
  if (token.size() > kMaxTokenBytes || !token.starts_with(kPrefix)) {
    return refused("not of this kind");
  }
  token.remove_prefix(kPrefix.size());
  const auto first_dot = token.find('.');
  const auto last_dot = token.rfind('.');
  if (first_dot == std::string_view::npos || first_dot == last_dot ||
      token.find('.', first_dot + 1) != last_dot) {
    return refused("not three parts");
  }
  // The signature first: nothing of an unsigned token is parsed.
  const auto signature = from_base64url(token.substr(last_dot + 1));
  const std::string wanted = sign(token.substr(0, last_dot), server_key);
  if (!signature || signature->size() != wanted.size() ||
      CRYPTO_memcmp(signature->data(), wanted.data(), wanted.size()) != 0) {
    return refused("bad signature");
  }
  const auto header = from_base64url(token.substr(0, first_dot));
  const auto payload = from_base64url(token.substr(first_dot + 1, last_dot - first_dot - 1));
  if (!header || !payload) {
    return refused("not base64url");
  }
  const Json header_json = TRY(parse_json(*header));
  const std::string* algorithm = find_string(header_json, "alg");
  if (algorithm == nullptr || *algorithm != "HS256") {
    return refused("another algorithm");
  }
  const Json payload_json = TRY(parse_json(*payload));
  return check_payload(payload_json, now_unix_seconds);
}

std::optional<std::chrono::seconds> parse_lifetime(std::string_view text) {
  using std::chrono::seconds;
  // "mo" stands before "m": the longest suffix is tried first.
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 7> kUnits = {
      {{"mo", 30 * 86400},
       {"s", 1},
       {"m", 60},
       {"h", 3600},
       {"d", 86400},
       {"w", 7 * 86400},
       {"y", 365 * 86400}}};
  constexpr std::int64_t kLongestLifeSeconds = 1000LL * 365 * 86400;
  std::int64_t unit_seconds = 3600;
  for (const auto& [suffix, value] : kUnits) {
    if (text.ends_with(suffix)) {
      text.remove_suffix(suffix.size());
      unit_seconds = value;
      break;
    }
  }
  const auto number = base::parse_number<std::int64_t>(text);
  if (!number || *number <= 0 || *number > kLongestLifeSeconds / unit_seconds) {
    return std::nullopt;
  }
  return seconds(*number * unit_seconds);
}

}  // namespace msb::rpc
