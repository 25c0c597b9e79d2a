// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes as an API key, and as the payload of a key that is rightly signed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "rpc/base64url.h"
#include "rpc/token.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace rpc = msb::rpc;
  constexpr char kKey[] = "0123456789abcdefghijABCDEFGHIJ01";
  constexpr std::int64_t kNow = 1'750'000'000;
  // SAFETY: char and uint8_t alias.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(rpc::verify_token(text, kKey, kNow));
  static_cast<void>(rpc::parse_lifetime(text));
  if (const auto bytes = rpc::from_base64url(text)) {
    MSB_CHECK(rpc::to_base64url(*bytes) == text);
  }
  if (const auto claims = rpc::verify_token(text, kKey, kNow)) {
    // Only the server's own key signs: whatever is accepted can be issued again.
    MSB_CHECK(rpc::verify_token(rpc::issue_token(*claims, kKey), kKey, kNow).has_value());
  }
  // A namespace of any bytes survives.
  const rpc::Claims claims{.expires_at = kNow, .issued_at = 1, .namespace_name = std::string(text)};
  const auto token = rpc::issue_token(claims, kKey);
  if (token.size() <= rpc::kMaxTokenBytes) {
    MSB_CHECK(rpc::verify_token(token, kKey, kNow).has_value());
  }
  return 0;
}
