// SPDX-License-Identifier: Apache-2.0
//
// msb pause and msb resume: sandboxes on a server that stand still, and go on.
#include <utility>

#include "cli/each_sandbox.h"
#include "cli/verb.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kPauseHelp{
    .verb = "pause",
    .usage = "[OPTIONS] NAME...",
    .about =
        "Make sandboxes on a server stand still: their processes stop where they are, and take\n"
        "no more of the CPU until msb resume. They keep their memory; commands are refused\n"
        "meanwhile. Pausing a paused one changes nothing.",
    .epilogue =
        "Examples:\n"
        "  msb pause work\n"
        "  msb ls -q | xargs msb pause",
};

constexpr VerbHelp kResumeHelp{
    .verb = "resume",
    .usage = "[OPTIONS] NAME...",
    .about = "Let paused sandboxes on a server go on. One that is not paused is left as it is.",
    .epilogue =
        "Examples:\n"
        "  msb resume work",
};

Result<> move(SandboxOptions where, Result<> (Sandbox::*step)()) {
  Sandbox sandbox(std::move(where));
  const auto joined = sandbox.attach();
  return joined ? (sandbox.*step)() : joined;
}

Result<> pause(const SandboxOptions& where, const Metrics& /*reading*/) {
  return move(where, &Sandbox::pause);
}

Result<> resume(const SandboxOptions& where, const Metrics& /*reading*/) {
  return move(where, &Sandbox::resume);
}

}  // namespace

Result<int> sandbox_pause(Context context, std::vector<std::string> words) {
  return for_each_sandbox(std::move(context), kPauseHelp, std::move(words), pause);
}

Result<int> sandbox_resume(Context context, std::vector<std::string> words) {
  return for_each_sandbox(std::move(context), kResumeHelp, std::move(words), resume);
}

}  // namespace msb::cli
