// SPDX-License-Identifier: Apache-2.0
#include "msb/error.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/errno_text.h"

namespace msb {
namespace {

struct CodeRow {
  ErrorCode code;
  std::string_view text;
  int exit_status;
};

// The one table of codes.
constexpr std::array kCodes = {
    CodeRow{ErrorCode::kInternal, "internal error", 125},
    CodeRow{ErrorCode::kInvalidArgument, "invalid argument", 125},
    CodeRow{ErrorCode::kNotFound, "not found", 127},
    CodeRow{ErrorCode::kAlreadyExists, "already exists", 125},
    CodeRow{ErrorCode::kPermissionDenied, "permission denied", 126},
    CodeRow{ErrorCode::kUnsupported, "not supported", 125},
    CodeRow{ErrorCode::kTimeout, "timed out", 124},
    CodeRow{ErrorCode::kCancelled, "cancelled", 125},
    CodeRow{ErrorCode::kResourceExhausted, "resource exhausted", 125},
    CodeRow{ErrorCode::kUnavailable, "unavailable", 125},
    CodeRow{ErrorCode::kIo, "input/output error", 125},
    CodeRow{ErrorCode::kCorrupt, "malformed data", 125},
    CodeRow{ErrorCode::kConflict, "in use", 125},
    CodeRow{ErrorCode::kOutOfMemory, "out of memory", 125},
    CodeRow{ErrorCode::kDiskFull, "disk full", 125},
    CodeRow{ErrorCode::kTooManyProcesses, "too many processes", 125},
    CodeRow{ErrorCode::kSandboxGone, "sandbox is gone", 125},
    CodeRow{ErrorCode::kSandboxPaused, "sandbox is paused", 125},
    CodeRow{ErrorCode::kSandboxAlreadyStarted, "sandbox already started", 125},
    CodeRow{ErrorCode::kSandboxNotStarted, "sandbox not started", 125},
    CodeRow{ErrorCode::kFailedToStartSandbox, "failed to start sandbox", 125},
    CodeRow{ErrorCode::kFailedToStopSandbox, "failed to stop sandbox", 125},
    CodeRow{ErrorCode::kFailedToRunCode, "failed to run code", 125},
    CodeRow{ErrorCode::kFailedToRunCommand, "failed to run command", 125},
    CodeRow{ErrorCode::kFailedToGetMetrics, "failed to get metrics", 125},
    CodeRow{ErrorCode::kFailedToGenerateRandomName, "failed to generate random name", 125},
    CodeRow{ErrorCode::kUnknownLanguage, "unknown language", 125},
    CodeRow{ErrorCode::kMarshalRequestFailed, "failed to marshal request", 125},
    CodeRow{ErrorCode::kCreateRequestFailed, "failed to create request", 125},
    CodeRow{ErrorCode::kSendRequestFailed, "failed to send request", 125},
    CodeRow{ErrorCode::kReadResponseFailed, "failed to read response", 125},
    CodeRow{ErrorCode::kUnmarshalResponseFailed, "failed to unmarshal response", 125},
    CodeRow{ErrorCode::kUnmarshalMetricsFailed, "failed to unmarshal metrics result", 125},
    CodeRow{ErrorCode::kRequestFailed, "request failed", 125},
    CodeRow{ErrorCode::kRpcCall, "RPC error", 125},
    CodeRow{ErrorCode::kApiKeyMustBeSpecified,
            "API key must be specified either via SandboxOptions::api_key or MSB_API_KEY "
            "environment variable",
            125},
    CodeRow{ErrorCode::kLanguageMustBeSpecified, "language must be specified", 125},
    CodeRow{ErrorCode::kExecutionNotParsed, "execution output could not be parsed", 125},
};

const CodeRow& row_of(ErrorCode code) noexcept {
  const auto* row = std::ranges::find(kCodes, code, &CodeRow::code);
  return row != kCodes.end() ? *row : kCodes.front();
}

}  // namespace

std::string_view to_string(ErrorCode code) noexcept {
  return row_of(code).text;
}

int exit_status(ErrorCode code) noexcept {
  return row_of(code).exit_status;
}

std::string base::errno_suffix(int value) {
  const char* const text = ::strerrordesc_np(value);
  return ": " + (text != nullptr ? text : "Unknown error " + std::to_string(value));
}

Error::Error(ErrorCode code, std::string text, int sys_errno) : sys_errno_(sys_errno) {
  if (text.empty()) {
    text = std::string(to_string(code));
  }
  if (sys_errno != 0) {
    text += base::errno_suffix(sys_errno);
  }
  layers_.push_back({code, std::move(text)});
}

Error::Error(const Error&) = default;
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(const Error&) = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Error Error::wrap(std::string text) && {
  layers_.insert(layers_.begin(), Layer{code(), std::move(text)});
  return std::move(*this);
}

Error Error::wrap(std::string text) const& {
  return Error(*this).wrap(std::move(text));
}

Error Error::wrap(ErrorCode code, std::string text) && {
  layers_.insert(layers_.begin(),
                 Layer{code, text.empty() ? std::string(to_string(code)) : std::move(text)});
  return std::move(*this);
}

Error Error::wrap(ErrorCode code, std::string text) const& {
  return Error(*this).wrap(code, std::move(text));
}

bool Error::is(ErrorCode code) const noexcept {
  return std::ranges::any_of(layers_, [code](const Layer& layer) { return layer.code == code; });
}

std::string Error::message() const {
  std::string text;
  for (const Layer& layer : layers_) {
    if (!text.empty()) {
      text += ": ";
    }
    text += layer.text;
  }
  return text;
}

}  // namespace msb
