// SPDX-License-Identifier: Apache-2.0
#include "engine/run_text.h"

#include <string_view>

#include "engine/validation.h"

namespace msb::engine {

std::string seconds_text(std::chrono::milliseconds duration) {
  const auto whole = duration.count() / 1000;
  std::string text = std::to_string(whole);
  if (const auto rest = duration.count() % 1000; rest != 0) {
    std::string digits = std::to_string(1000 + rest).substr(1);
    digits.erase(digits.find_last_not_of('0') + 1);
    text += "." + digits;
  }
  return text;
}

std::string explain_code_end(const wire::ReplDone& done, std::chrono::milliseconds timeout,
                             const LimitsHit& limits) {
  using Status = wire::ReplDone::Status;
  const std::string gone = "its state is gone\n";
  switch (done.status) {
    case Status::kSuccess:
    case Status::kException:
    case Status::kCancelled:
      return {};
    case Status::kExit:
      return "Error: the interpreter exited with status " + std::to_string(done.code) + "; " + gone;
    case Status::kTimeout: {
      std::string text = "Error: Execution timed out after " + seconds_text(timeout) + " seconds\n";
      if (done.state_lost) {
        text += "Error: the interpreter was restarted; " + gone;
      }
      return text;
    }
    case Status::kDied: {
      const std::string how = done.code >= 0 ? "was ended by signal " + std::to_string(done.code)
                                             : "ended with status " + std::to_string(-done.code);
      const std::string why = limits.any() ? " (" + limits.text + ")" : "";
      return "Error: the interpreter " + how + why + "; " + gone;
    }
  }
  return {};
}

Result<> check_exec(const wire::Exec& exec) {
  if (exec.argv.empty() || exec.argv.front().empty()) {
    return fail(ErrorCode::kInvalidArgument, "command: must not be empty");
  }
  if (exec.argv.size() > wire::kMaxStrings) {
    return fail(ErrorCode::kInvalidArgument,
                "args: more than " + std::to_string(wire::kMaxStrings) + " of them");
  }
  for (std::size_t i = 0; i < exec.argv.size(); ++i) {
    const std::string field = i == 0 ? "command" : "args[" + std::to_string(i - 1) + "]";
    TRY(check_text(field, exec.argv[i], wire::kMaxStringBytes));
  }
  TRY(check_envs(exec.env));
  TRY(check_text("workdir", exec.workdir, wire::kMaxPathBytes));
  if (!exec.workdir.empty() && exec.workdir.front() != '/') {
    return fail(ErrorCode::kInvalidArgument, "workdir '" + exec.workdir + "': must be absolute");
  }
  return check_text("user", exec.user, wire::kMaxNameBytes);
}

}  // namespace msb::engine
