// SPDX-License-Identifier: Apache-2.0
//
// msb fork, msb restore: copies of a sandbox with all that runs in it, now and later.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/parse.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/interrupts.h"
#include "cli/report.h"
#include "cli/verb.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kForkHelp{
    .verb = "fork",
    .usage = "[OPTIONS] NAME",
    .about =
        "Copy a sandbox on a server as it is now: files, processes, what its interpreters hold.\n"
        "It goes on, and so does each copy, under a name of its own, which is printed; a copy has\n"
        "other random numbers and no published ports. For sandboxes with --isolation microvm and\n"
        "without volumes.",
    .epilogue =
        "Examples:\n"
        "  msb start work microsandbox/python --isolation microvm\n"
        "  msb eval --sandbox work python 'x = 1'\n"
        "  for copy in $(msb fork work --count 3); do msb eval --sandbox $copy python x; done",
};

constexpr VerbHelp kRestoreHelp{
    .verb = "restore",
    .usage = "[OPTIONS] NAME SNAPSHOT",
    .about =
        "Start a new sandbox on a server from what msb snapshot has made of another. Of a sandbox\n"
        "with --isolation microvm that is all of it, and the new one goes on where it was; of "
        "others\n"
        "it is the files.",
    .epilogue =
        "Examples:\n"
        "  msb snapshot work work:ready\n"
        "  msb restore second localhost/snapshots/default/work:ready",
};

Result<int> print_copies(const Context& context, const ConnectionFlags& connection,
                         const std::string& name, std::uint32_t count) {
  const auto interrupts = TRY(Interrupts::watch());
  SandboxOptions where = TRY(connect(context, connection));
  where.name = name;
  Sandbox sandbox(where);
  StartOptions options;
  options.stop = interrupts->stop_token();
  const auto joined = sandbox.attach();
  auto copies = joined ? sandbox.fork(count, options)
                       : Result<std::vector<Sandbox>>(std::unexpected(joined.error()));
  if (interrupts->signal() != 0) {
    return interrupts->exit_code();
  }
  if (!copies) {
    return say_remote_error(kForkHelp.verb, copies.error(), where);
  }
  for (Sandbox& copy : *copies) {
    copy.detach();
    std::printf("%s\n", copy.name().c_str());
  }
  return 0;
}

}  // namespace

Result<int> sandbox_fork(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  std::uint32_t count = 1;
  Arguments arguments(context, kForkHelp);
  arguments.value("-c,--count", "N", "How many copies (1)", [&](std::string_view text) -> Result<> {
    const auto number = base::parse_number<std::uint32_t>(text);
    if (!number) {
      return fail(ErrorCode::kInvalidArgument, "'" + std::string(text) + "' is not a number");
    }
    count = *number;
    return {};
  });
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() != 1) {
    return std::unexpected(
        usage_error(kForkHelp.verb, operands->empty() ? "which sandbox? NAME is missing"
                                                      : "unexpected '" + operands->back() + "'"));
  }
  return print_copies(context, connection, operands->front(), count);
}

Result<int> sandbox_restore(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  Arguments arguments(context, kRestoreHelp);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() != 2) {
    return std::unexpected(usage_error(
        kRestoreHelp.verb, operands->size() < 2 ? "NAME and SNAPSHOT are needed"
                                                : "unexpected '" + operands->back() + "'"));
  }
  SandboxOptions where = TRY(connect(context, connection));
  const auto all = Sandbox::list(where);
  if (!all) {
    return say_remote_error(kRestoreHelp.verb, all.error(), where);
  }
  where.name = operands->front();
  if (std::ranges::find(*all, where.name, &Metrics::name) != all->end()) {
    return fail(ErrorCode::kAlreadyExists,
                "sandbox '" + where.name + "' is there already; remove it, or take another name");
  }
  Sandbox sandbox(where);
  sandbox.detach();
  StartConfig config;
  config.image = operands->back();
  const auto started = sandbox.start(config);
  return started ? 0 : say_remote_error(kRestoreHelp.verb, started.error(), where);
}

}  // namespace msb::cli
