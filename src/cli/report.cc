// SPDX-License-Identifier: Apache-2.0
#include "cli/report.h"

#include <unistd.h>

#include <string>

#include "base/file.h"

namespace msb::cli {
namespace {

std::string_view advice(const Error& error) {
  if (error.is(ErrorCode::kUnsupported)) {
    return "; `msb doctor` tells what this host can do and how to mend the rest";
  }
  if (error.is(ErrorCode::kInternal)) {
    return "; this is a defect of microsandbox, please report it";
  }
  // Elsewhere it is the host that has run out of something.
  const bool was_inside =
      error.is(ErrorCode::kFailedToRunCommand) || error.is(ErrorCode::kFailedToRunCode);
  if (was_inside && error.is(ErrorCode::kOutOfMemory)) {
    return "; raise the limit with --memory";
  }
  if (was_inside && error.is(ErrorCode::kDiskFull)) {
    return "; raise the limit with --disk";
  }
  if (was_inside && error.is(ErrorCode::kTooManyProcesses)) {
    return "; raise the limit with --processes";
  }
  return {};
}

}  // namespace

void say(std::string_view verb, std::string_view text) {
  std::string line = "msb: ";
  if (!verb.empty()) {
    line.append(verb).append(": ");
  }
  line.append(text).append("\n");
  // Nobody is left to tell when stderr is closed.
  (void)base::write_all(STDERR_FILENO, line);
}

void say_error(std::string_view verb, const Error& error) {
  say(verb, error.message().append(advice(error)));
}

int command_status(const Error& error) {
  switch (error.cause()) {
    case ErrorCode::kNotFound:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kTimeout:
      return exit_status(error.cause());
    default:
      return kOurFailure;
  }
}

void say_limits(std::string_view verb, const LimitsHit& limits) {
  if (!limits.any()) {
    return;
  }
  std::string options;
  const auto add = [&options](bool hit, std::string_view option) {
    if (hit) {
      options.append(options.empty() ? "" : ", ").append(option);
    }
  };
  add(limits.memory, "--memory");
  add(limits.processes, "--processes");
  add(limits.disk, "--disk");
  say(verb, "the sandbox reached a limit: " + limits.text + "; raise it with " + options);
}

}  // namespace msb::cli
