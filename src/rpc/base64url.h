// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace msb::rpc {

// RFC 4648 section 5, without padding.
std::string to_base64url(std::string_view bytes);
// Nothing unless `text` is the one canonical encoding of some bytes: no padding, no foreign
// character, no stray bits. So a signature has one spelling.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace msb::rpc
