// SPDX-License-Identifier: Apache-2.0
//
// What goes back over HTTP, without the HTTP: a status and a body. Every failure that is not one of
// JSON-RPC itself is {"error": text, "code": number}; `Failure` lists the kinds, and one table in
// reply.cc gives each its status and number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"
#include "rpc/json.h"

namespace msb::rpc {

enum class Failure : std::uint8_t {
  kMalformedJson,  // the body is no JSON
  kMalformedCall,  // JSON, but not a request
  kWrongMediaType,
  kTooLarge,
  kInvalidParams,
  kNoCredentials,
  kBadToken,
  kDenied,
  kNotFound,
  kFailed,  // whatever the engine, the image, the sandbox said no to
  kBusy,    // this server has no room for the call now
};

struct Reply {
  int status = 200;
  int code = 0;      // of the failure; 0: none. For logs and metrics, the body has it too.
  std::string body;  // JSON
};

struct FailureShape {
  int status;
  int code;
};
FailureShape shape_of(Failure failure) noexcept;

Reply failure_reply(Failure failure, std::string_view text);
// With "kind" beside it: the error's cause in stable words ("sandbox not started").
Reply failure_reply(Failure failure, const Error& error);

// {"jsonrpc":"2.0","result":...}; `id` is a member only if the request had one. `message` is the
// top-level copy that some clients of the start and stop aliases read instead of the result.
enum class Message : std::uint8_t { kAbsent, kCopyOfResult };
Reply result_reply(Json result, const std::optional<Json>& id, Message message = Message::kAbsent);

// {"jsonrpc":"2.0","error":{...}}
inline constexpr int kParseError = -32700;
inline constexpr int kInvalidRequest = -32600;
inline constexpr int kMethodNotFound = -32601;
inline constexpr int kInvalidParamsCode = -32602;
inline constexpr int kInternalError = -32603;
Json error_object(int code, std::string_view message, const std::optional<Json>& id);
// The same failure as failure_reply()'s, where the status line has gone ahead: an error object with
// {"code", "kind"} as its data.
Json late_failure(Failure failure, const Error& error, const std::optional<Json>& id);
Reply error_reply(int status, int code, std::string_view message, const std::optional<Json>& id);

}  // namespace msb::rpc
