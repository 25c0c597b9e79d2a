// SPDX-License-Identifier: Apache-2.0
//
// msb stop and msb rm: the end of sandboxes on a server, one after the other. One that cannot be
// ended does not keep the others from it.
#include <utility>

#include "cli/each_sandbox.h"
#include "cli/verb.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kStopHelp{
    .verb = "stop",
    .usage = "[OPTIONS] NAME...",
    .about =
        "Stop sandboxes on a server; each is gone when msb returns. Their files stay, and msb\n"
        "start brings them back. One that does not run is left as it is.",
    .epilogue =
        "Examples:\n"
        "  msb stop work\n"
        "  msb ls -q | xargs msb stop",
};

constexpr VerbHelp kRemoveHelp{
    .verb = "rm",
    .usage = "[OPTIONS] NAME...",
    .about = "Stop sandboxes on a server, and delete them with their files.",
    .epilogue =
        "Examples:\n"
        "  msb rm work\n"
        "  msb ls -q --namespace team-a | xargs msb rm --namespace team-a",
};

Result<> stop(const SandboxOptions& where, const Metrics& reading) {
  if (!reading.is_running) {
    return {};
  }
  Sandbox sandbox(where);
  if (const auto joined = sandbox.attach(); !joined) {
    // It has ended meanwhile.
    return joined.error().is(ErrorCode::kSandboxNotStarted) ? Result<>() : joined;
  }
  return sandbox.stop();
}

Result<> remove(const SandboxOptions& where, const Metrics& /*reading*/) {
  return Sandbox(where).remove();
}

}  // namespace

Result<int> sandbox_stop(Context context, std::vector<std::string> words) {
  return for_each_sandbox(std::move(context), kStopHelp, std::move(words), stop);
}

Result<int> sandbox_remove(Context context, std::vector<std::string> words) {
  return for_each_sandbox(std::move(context), kRemoveHelp, std::move(words), remove);
}

}  // namespace msb::cli
