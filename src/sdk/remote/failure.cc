// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/failure.h"

#include <algorithm>
#include <cstdint>

#include "rpc/json.h"
#include "rpc/reply.h"

namespace msb::sdk {
namespace {

constexpr std::size_t kMaxPrintedBytes = 8 * 1024;
constexpr std::uint16_t kMaxCode = 255;

ErrorCode code_of_status(int status) {
  switch (status) {
    case 400:
    case 415:
    case 422:
      return ErrorCode::kInvalidArgument;
    case 401:
    case 403:
    case 407:
      return ErrorCode::kPermissionDenied;
    case 404:
      return ErrorCode::kNotFound;
    case 408:
    case 504:
      return ErrorCode::kTimeout;
    case 413:
    case 429:
    case 503:
      return ErrorCode::kResourceExhausted;
    default:
      return ErrorCode::kUnavailable;
  }
}

ErrorCode code_of_rpc(long long code, ErrorCode otherwise) {
  switch (code) {
    case rpc::kMethodNotFound:
      return ErrorCode::kUnsupported;
    case rpc::kParseError:
    case rpc::kInvalidRequest:
    case rpc::kInvalidParamsCode:
      return ErrorCode::kInvalidArgument;
    default:
      return otherwise;
  }
}

}  // namespace

std::string printable_body(std::string_view body) {
  std::string text(body.substr(0, kMaxPrintedBytes));
  std::ranges::replace_if(
      text, [](unsigned char c) { return (c < ' ' && c != '\n' && c != '\t') || c == 0x7f; }, '?');
  if (body.size() > kMaxPrintedBytes) {
    text += "...";
  }
  return text;
}

ErrorCode code_of_kind(std::string_view words, ErrorCode otherwise) {
  for (std::uint16_t number = 0; number <= kMaxCode; ++number) {
    const auto code = static_cast<ErrorCode>(number);
    // A number without a row has the words of kInternal.
    if (to_string(code) == words) {
      return code;
    }
  }
  return otherwise;
}

Error reason_of_status(int status, std::string_view body) {
  ErrorCode code = code_of_status(status);
  std::string text = printable_body(body);
  if (const auto json = rpc::parse_json(body)) {
    if (const std::string* const said = rpc::find_string(*json, "error")) {
      text = printable_body(*said);
    }
    if (const std::string* const kind = rpc::find_string(*json, "kind")) {
      code = code_of_kind(*kind, code);
    } else if (const rpc::Json* const object = rpc::find_present(*json, "error")) {
      const rpc::Json* const number = rpc::find_present(*object, "code");
      if (number != nullptr && number->is_number_integer()) {
        code = code_of_rpc(number->get<long long>(), code);
      }
    }
  }
  return Error(code, "status " + std::to_string(status) + ": " + text);
}

Error reason_of_rpc_error(const rpc::Json& object, long long code, std::string message) {
  ErrorCode reason = code_of_rpc(code, ErrorCode::kUnavailable);
  const rpc::Json* const data = rpc::find_present(object, "data");
  if (const std::string* const kind = data ? rpc::find_string(*data, "kind") : nullptr) {
    reason = code_of_kind(*kind, reason);
  }
  return Error(reason, std::move(message));
}

}  // namespace msb::sdk
