// SPDX-License-Identifier: Apache-2.0
#include "rpc/request.h"

#include <utility>

namespace msb::rpc {
namespace {

std::unexpected<Reply> malformed(std::string_view why) {
  return std::unexpected(failure_reply(
      Failure::kMalformedCall,
      "Failed to deserialize the JSON body into the target type: " + std::string(why)));
}

}  // namespace

std::expected<Request, Reply> decode_request(Json body) {
  if (body.is_array()) {
    return malformed("batches are not supported; send one request object per call");
  }
  if (!body.is_object()) {
    return malformed("expected a request object");
  }
  for (const char* name : {"jsonrpc", "method"}) {
    if (find_member(body, name) == nullptr) {
      return malformed("missing field `" + std::string(name) + "`");
    }
    if (find_string(body, name) == nullptr) {
      return malformed("invalid type: expected a string for `" + std::string(name) + "`");
    }
  }
  Request request;
  if (const auto id = body.find("id"); id != body.end() && !id->is_null()) {
    request.id = std::move(*id);
  }
  if (*find_string(body, "jsonrpc") != "2.0") {
    return std::unexpected(
        error_reply(400, kInvalidRequest, "Invalid or missing jsonrpc version field", request.id));
  }
  request.method = *find_string(body, "method");
  if (const auto params = body.find("params"); params != body.end()) {
    request.params = std::move(*params);
  }
  return request;
}

}  // namespace msb::rpc
