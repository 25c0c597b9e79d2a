// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace msb::rpc {

// RFC 4648 section 4, padded.
std::string to_base64(std::string_view bytes);
void append_base64(std::string& text, std::string_view bytes);
// Nothing unless `text` is the one canonical encoding of some bytes.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace msb::rpc
