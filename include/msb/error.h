// SPDX-License-Identifier: Apache-2.0
//
// Errors of the public API.
//
// An Error is a chain of layers, outermost first. Each layer has a stable code and a text; the
// innermost one is the cause (often a system call with its errno), each outer one says what was
// being done. A sentinel is found wherever it stands in the chain:
//
//   auto run = sandbox.code().run("1/0");
//   if (!run && run.error().is(msb::ErrorCode::kSandboxNotStarted)) ...
//   std::cerr << run.error().message();  // "failed to run code: sandbox not started"
//
// Errors are values: copyable, comparable by code, safe to use from any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "msb/export.h"

namespace msb {

// Stable: numbers are never reused, new ones are appended.
enum class ErrorCode : std::uint16_t {
  kInternal = 0,           // a promise of our own was broken; please report it
  kInvalidArgument = 1,    // a field is malformed or out of range; the text names field and rule
  kNotFound = 2,           // a sandbox, image, file or executable does not exist
  kAlreadyExists = 3,      // a name is taken
  kPermissionDenied = 4,   // the host or the caller's rights do not allow it
  kUnsupported = 5,        // this host or this isolation tier cannot do it; `msb doctor` says why
  kTimeout = 6,            // a time limit ended the operation
  kCancelled = 7,          // the caller asked for it to end
  kResourceExhausted = 8,  // a limit of the host or of the service was reached
  kUnavailable = 9,  // the other side (warden, agent, registry, server) is gone or unreachable
  kIo = 10,          // a system call failed; sys_errno() has the reason
  kCorrupt = 11,     // foreign bytes broke their format (image, archive, protocol)
  kConflict = 12,    // in use by another program or operation

  // What a sandbox met.
  kOutOfMemory = 20,       // the sandbox reached its memory limit and was ended by it
  kDiskFull = 21,          // the writable layer is full
  kTooManyProcesses = 22,  // the limit on processes was reached
  kSandboxGone = 23,       // the sandbox ended while the operation ran
  kSandboxPaused = 24,     // the sandbox is paused: resume it first

  // Sentinels of the microsandbox SDKs, with their established texts.
  kSandboxAlreadyStarted = 40,       // "sandbox already started"
  kSandboxNotStarted = 41,           // "sandbox not started"
  kFailedToStartSandbox = 42,        // "failed to start sandbox"
  kFailedToStopSandbox = 43,         // "failed to stop sandbox"
  kFailedToRunCode = 44,             // "failed to run code"
  kFailedToRunCommand = 45,          // "failed to run command"
  kFailedToGetMetrics = 46,          // "failed to get metrics"
  kFailedToGenerateRandomName = 47,  // "failed to generate random name"
  kUnknownLanguage = 48,             // "unknown language"
  kMarshalRequestFailed = 49,        // "failed to marshal request"
  kCreateRequestFailed = 50,         // "failed to create request"
  kSendRequestFailed = 51,           // "failed to send request"
  kReadResponseFailed = 52,          // "failed to read response"
  kUnmarshalResponseFailed = 53,     // "failed to unmarshal response"
  kUnmarshalMetricsFailed = 54,      // "failed to unmarshal metrics result"
  kRequestFailed = 55,               // "request failed": an HTTP status other than 200
  kRpcCall = 56,                     // "RPC error": the server answered with an error object
  kApiKeyMustBeSpecified = 57,       // the server wants a key and none was given
  kLanguageMustBeSpecified = 58,     // "language must be specified"
  kExecutionNotParsed = 59,          // "execution output could not be parsed"
};

// "invalid argument", "sandbox not started", ... Never empty.
MSB_EXPORT std::string_view to_string(ErrorCode code) noexcept;

// The exit status a command-line program should end with: 124 for timeouts, 126/127 for commands
// that cannot be executed / found, 125 otherwise.
MSB_EXPORT int exit_status(ErrorCode code) noexcept;

class [[nodiscard]] MSB_EXPORT Error {
 public:
  struct Layer {
    ErrorCode code;
    std::string text;
  };

  // `text` names the failing call or field. `sys_errno` is an errno value or 0; its description is
  // appended to the text.
  Error(ErrorCode code, std::string text, int sys_errno = 0);
  // Out of line: errors are rare, and every Result would carry this code inline.
  Error(const Error&);
  Error(Error&&) noexcept;
  Error& operator=(const Error&);
  Error& operator=(Error&&) noexcept;
  ~Error();

  // The same error with one more outer layer, which says what was being done. Without a code the
  // layer carries the code of the layer below.
  Error wrap(std::string text) &&;
  Error wrap(std::string text) const&;
  Error wrap(ErrorCode code, std::string text = {}) &&;
  Error wrap(ErrorCode code, std::string text = {}) const&;

  // True if any layer of the chain carries `code`.
  bool is(ErrorCode code) const noexcept;
  // The outermost code.
  ErrorCode code() const noexcept { return layers_.front().code; }
  // The code of the innermost layer: why it failed.
  ErrorCode cause() const noexcept { return layers_.back().code; }
  // errno of the cause, or 0.
  int sys_errno() const noexcept { return sys_errno_; }
  // "outer: inner: cause", one line unless a layer's own text has several.
  std::string message() const;
  // Outermost first; never empty.
  const std::vector<Layer>& layers() const noexcept { return layers_; }

 private:
  std::vector<Layer> layers_;
  int sys_errno_ = 0;
};

}  // namespace msb
