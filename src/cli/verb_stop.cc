// SPDX-License-Identifier: Apache-2.0
//
// msb stop and msb rm: the end of sandboxes on a server, one after the other. One that cannot be
// ended does not keep the others from it.
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/readings.h"
#include "cli/report.h"
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

Result<int> for_each(const Context& context, Arguments& arguments, const VerbHelp& help,
                     std::vector<std::string> words, const ConnectionFlags& connection,
                     Result<> (*end)(const SandboxOptions&, const Metrics&)) {
  const auto names = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!names) {
    return 0;
  }
  if (names->empty()) {
    return std::unexpected(usage_error(help.verb, "which sandbox? NAME is missing"));
  }
  SandboxOptions where = TRY(connect(context, connection));
  const auto readings = read_sandboxes(where);
  if (!readings) {
    return say_remote_error(help.verb, readings.error(), where);
  }
  int status = 0;
  for (const std::string& name : *names) {
    const Metrics* const reading = find_reading(*readings, name);
    if (reading == nullptr) {
      say_error(help.verb, unknown_sandbox(name, where));
      status = kOurFailure;
      continue;
    }
    where.name = name;
    if (const auto ended = end(where, *reading); !ended) {
      status = say_remote_error(help.verb, ended.error(), where);
    }
  }
  return status;
}

}  // namespace

Result<int> sandbox_stop(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  Arguments arguments(context, kStopHelp);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  return for_each(context, arguments, kStopHelp, std::move(words), connection, stop);
}

Result<int> sandbox_remove(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  Arguments arguments(context, kRemoveHelp);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  return for_each(context, arguments, kRemoveHelp, std::move(words), connection, remove);
}

}  // namespace msb::cli
