// SPDX-License-Identifier: Apache-2.0
//
// A JSON-RPC request, as both dialects of microsandbox clients send it. There are no batches and no
// notifications here: a request without an id is answered like any other, without an id.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "rpc/json.h"
#include "rpc/reply.h"

namespace msb::rpc {

struct Request {
  std::string method;
  std::optional<Json> params;  // nothing: the member is absent
  std::optional<Json> id;      // nothing: absent or null
};

// The request, or the reply that refuses it.
std::expected<Request, Reply> decode_request(Json body);

}  // namespace msb::rpc
