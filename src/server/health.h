// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace msb::server {

// The body of GET /api/v1/health: the message that every server of the protocol has, and what this
// one can do beyond it (docs/protocol-extensions.md).
std::string health_text(std::string_view version);

}  // namespace msb::server
