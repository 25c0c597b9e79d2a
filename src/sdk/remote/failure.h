// SPDX-License-Identifier: Apache-2.0
//
// What a server's refusal means on this side, so that a program that asks error.is(...) need not
// know where its sandbox runs.
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"
#include "rpc/json.h"

namespace msb::sdk {

// The reason behind an HTTP status other than 200, with the text "status 500: <body>".
Error reason_of_status(int status, std::string_view body);

// The reason behind a JSON-RPC error `object`.
Error reason_of_rpc_error(const rpc::Json& object, long long code, std::string message);

// The code whose words (msb/error.h) a server gives as "kind"; `otherwise` for unknown words.
ErrorCode code_of_kind(std::string_view words, ErrorCode otherwise);

// For error texts and logs: cut to a few kilobytes, control bytes replaced.
std::string printable_body(std::string_view body);

}  // namespace msb::sdk
