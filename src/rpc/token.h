// SPDX-License-Identifier: Apache-2.0
//
// API keys: "msb_" and a JWT signed with HS256 by the server's key. A key speaks for one namespace
// or, with "*" or without the claim, for all.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::rpc {

inline constexpr char kAllNamespaces[] = "*";
inline constexpr std::size_t kMaxTokenBytes = 8 * 1024;
inline constexpr std::chrono::seconds kExpiryLeeway{60};

struct Claims {
  std::int64_t expires_at = 0;  // unix seconds
  std::int64_t issued_at = 0;
  std::string namespace_name = kAllNamespaces;

  bool covers(std::string_view name) const {
    return namespace_name == kAllNamespaces || namespace_name == name;
  }
};

// The key for `claims`, byte for byte as older servers issue it.
std::string issue_token(const Claims& claims, std::string_view server_key);

// kPermissionDenied, with a reason that is for the log only: a caller learns nothing but "no".
Result<Claims> verify_token(std::string_view token, std::string_view server_key,
                            std::int64_t now_unix_seconds);

// "30s", "5m", "24h", "7d", "2w", "3mo" (of 30 days), "1y" (of 365 days); a bare number is hours.
std::optional<std::chrono::seconds> parse_lifetime(std::string_view text);

}  // namespace msb::rpc
