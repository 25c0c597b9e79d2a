// SPDX-License-Identifier: Apache-2.0
#include "rpc/reply.h"

#include <array>
#include <utility>

namespace msb::rpc {
namespace {

// Established clients test for 200 and print the rest. Everything that fails behind a well-formed
// call has been 500/5002 to them for ever, and stays so; the text says what it was.
constexpr std::array<std::pair<Failure, FailureShape>, 11> kShapes = {{
    {Failure::kMalformedJson, {400, 2001}},
    {Failure::kMalformedCall, {422, 2001}},
    {Failure::kWrongMediaType, {415, 2001}},
    {Failure::kTooLarge, {413, 2001}},
    {Failure::kInvalidParams, {400, 2001}},
    {Failure::kNoCredentials, {401, 1001}},
    {Failure::kBadToken, {401, 1004}},
    {Failure::kDenied, {403, 3001}},
    {Failure::kNotFound, {404, 4001}},
    {Failure::kFailed, {500, 5002}},
    {Failure::kBusy, {503, 5003}},
}};

}  // namespace

FailureShape shape_of(Failure failure) noexcept {
  for (const auto& [kind, shape] : kShapes) {
    if (kind == failure) {
      return shape;
    }
  }
  return {.status = 500, .code = 5002};
}

Reply failure_reply(Failure failure, std::string_view text) {
  const FailureShape shape = shape_of(failure);
  return {.status = shape.status,
          .code = shape.code,
          .body = to_text({{"error", text}, {"code", shape.code}})};
}

Reply failure_reply(Failure failure, const Error& error) {
  const FailureShape shape = shape_of(failure);
  return {
      .status = shape.status,
      .code = shape.code,
      .body = to_text(
          {{"error", error.message()}, {"code", shape.code}, {"kind", to_string(error.cause())}})};
}

Json late_failure(Failure failure, const Error& error, const std::optional<Json>& id) {
  Json body = error_object(kInternalError, error.message(), id);
  body["error"]["data"] = {{"code", shape_of(failure).code}, {"kind", to_string(error.cause())}};
  return body;
}

Reply result_reply(Json result, const std::optional<Json>& id, Message message) {
  Json body = {{"jsonrpc", "2.0"}};
  if (message == Message::kCopyOfResult) {
    body["message"] = result;
  }
  body["result"] = std::move(result);
  if (id) {
    body["id"] = *id;
  }
  return {.status = 200, .code = 0, .body = to_text(body)};
}

Json error_object(int code, std::string_view message, const std::optional<Json>& id) {
  Json body = {{"jsonrpc", "2.0"}, {"error", {{"code", code}, {"message", message}}}};
  if (id) {
    body["id"] = *id;
  }
  return body;
}

Reply error_reply(int status, int code, std::string_view message, const std::optional<Json>& id) {
  return {.status = status, .code = code, .body = to_text(error_object(code, message, id))};
}

}  // namespace msb::rpc
