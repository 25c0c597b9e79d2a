// SPDX-License-Identifier: Apache-2.0
#include "engine/agent_error.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/errno_text.h"

namespace msb::engine {
namespace {

constexpr std::array kAgentCodes = {
    ErrorCode::kInvalidArgument,   ErrorCode::kNotFound,    ErrorCode::kAlreadyExists,
    ErrorCode::kPermissionDenied,  ErrorCode::kUnsupported, ErrorCode::kTimeout,
    ErrorCode::kCancelled,         ErrorCode::kUnavailable, ErrorCode::kIo,
    ErrorCode::kResourceExhausted, ErrorCode::kOutOfMemory, ErrorCode::kDiskFull,
    ErrorCode::kTooManyProcesses,
};
constexpr int kMaxErrno = 4095;

std::string complaint_of(const isolation::SandboxExit& exit) {
  return exit.complaint.empty() ? "" : ": " + exit.complaint;
}

}  // namespace

Error error_from_agent(const wire::Failed& failed) {
  const bool known = std::ranges::find(kAgentCodes, failed.code) != kAgentCodes.end();
  std::string text = failed.text;
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c == 0x7f; }, '?');
  const int errno_value =
      failed.sys_errno > 0 && failed.sys_errno <= kMaxErrno ? failed.sys_errno : 0;
  if (errno_value != 0) {
    // The agent's text ends with the description that Error appends.
    const std::string description = base::errno_suffix(errno_value);
    if (text.ends_with(description)) {
      text.erase(text.size() - description.size());
    }
  }
  return Error(known ? failed.code : ErrorCode::kIo, std::move(text), errno_value);
}

Error error_from_exit(const std::optional<isolation::SandboxExit>& exit, const Error& lost,
                      std::uint64_t memory_limit_bytes) {
  using Cause = isolation::SandboxExit::Cause;
  if (exit && exit->out_of_memory) {
    return Error(ErrorCode::kOutOfMemory,
                 "out of memory (limit " + std::to_string(memory_limit_bytes >> 20) + " MiB)")
        .wrap(ErrorCode::kSandboxGone);
  }
  if (exit && exit->cause == Cause::kAgentExited) {
    return Error(ErrorCode::kSandboxGone, "sandbox is gone: its agent ended with status " +
                                              std::to_string(exit->code) + complaint_of(*exit));
  }
  if (exit && exit->cause == Cause::kAgentKilled) {
    return Error(ErrorCode::kSandboxGone, "sandbox is gone: its agent was ended by signal " +
                                              std::to_string(exit->code) + complaint_of(*exit));
  }
  if (exit && exit->cause == Cause::kWardenGone) {
    return Error(ErrorCode::kUnavailable, "the warden process has ended")
        .wrap(ErrorCode::kSandboxGone);
  }
  return lost.wrap(ErrorCode::kSandboxGone);
}

}  // namespace msb::engine
