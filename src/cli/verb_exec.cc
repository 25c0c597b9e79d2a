// SPDX-License-Identifier: Apache-2.0
//
// msb exec: a command in a sandbox that runs on a server.
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/conversation.h"
#include "cli/interrupts.h"
#include "cli/output_writer.h"
#include "cli/report.h"
#include "cli/sandbox_flags.h"
#include "cli/verb.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "exec",
    .usage = "NAME [OPTIONS] -- CMD [ARG...]",
    .about =
        "Run a command in a sandbox that runs on a server, as if it ran here. It gets our stdin\n"
        "with -i, and with -t a terminal.",
    .epilogue =
        "Examples:\n"
        "  msb exec work -- ls -l /\n"
        "  msb exec work -e MODE=fast -w /src --timeout 60s -- make test\n"
        "  msb exec -i work sort < words.txt\n"
        "  msb exec -t work bash\n"
        "\n"
        "The first ^C goes to the command, the second ends it.\n"
        "\n"
        "Exit status: the command's own; 128+N if signal N ended it; 124 after a timeout; 126 if\n"
        "CMD cannot be executed, 127 if it is not found; 125 if msb or the server failed.",
};

struct Request {
  std::string sandbox;
  std::vector<std::string> command;
};

// "NAME OPTIONS -- CMD", and without "--" also "OPTIONS NAME CMD". Nothing: help was printed.
Result<std::optional<Request>> parse(Arguments& arguments, std::vector<std::string> words) {
  const auto mark = std::ranges::find(words, "--");
  const bool is_marked = mark != words.end();
  std::vector<std::string> command;
  if (is_marked) {
    command.assign(std::next(mark), words.end());
    words.erase(mark, words.end());
  }
  auto operands = TRY(
      arguments.parse(std::move(words), is_marked ? Operands::kAnywhere : Operands::kEndOptions));
  if (!operands) {
    return std::nullopt;
  }
  if (operands->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "which sandbox? NAME is missing"));
  }
  if (!is_marked) {
    command.assign(std::next(operands->begin()), operands->end());
  } else if (operands->size() > 1) {
    return std::unexpected(usage_error(kHelp.verb, "unexpected '" + operands->back() + "'"));
  }
  if (command.empty()) {
    return std::unexpected(usage_error(kHelp.verb, "which command? CMD is missing"));
  }
  return Request{operands->front(), std::move(command)};
}

// Servers of before have no commands that are talked to while they run: theirs answer at the end.
Result<CommandExecution> run(Sandbox& sandbox, const Request& request, const SpawnOptions& options,
                             Interrupts& interrupts) {
  const std::string& command = request.command.front();
  const std::vector<std::string> words(std::next(request.command.begin()), request.command.end());
  auto execution = converse(
      [&](const SpawnOptions& how) { return sandbox.command().spawn(command, words, how); },
      options, interrupts);
  if (!execution && execution.error().is(ErrorCode::kUnsupported) && !options.stdin_open) {
    return sandbox.command().run(command, words, options.command);
  }
  return execution;
}

}  // namespace

Result<int> sandbox_exec(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  SpawnOptions options;
  std::string timeout_text;
  bool has_terminal = false;
  options.stdin_open = false;
  options.collect_output = false;
  Arguments arguments(context, kHelp);
  arguments.list("-e,--env", "KEY=VALUE", "Set an environment variable; repeatable",
                 options.command.envs);
  arguments.text("-w,--workdir", "DIR", "Working directory inside (the sandbox's)",
                 options.command.workdir);
  arguments.text("-u,--user", "USER", "Run as: a name, a uid or user:group (the sandbox's)",
                 options.command.user);
  arguments.value("--timeout", "TIME", "Kill it when it runs longer: 500ms, 10s, 2m",
                  timeout_into(options.command.timeout, timeout_text));
  arguments.flag("-i,--interactive", "Pass our stdin on", options.stdin_open);
  arguments.flag("-t,--tty", "Give it a terminal like ours, and our keys", has_terminal);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto request = TRY(parse(arguments, std::move(words)));
  if (!request) {
    return 0;
  }
  if (has_terminal) {
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
      return std::unexpected(usage_error(kHelp.verb, "-t: stdin and stdout are not a terminal"));
    }
    options.stdin_open = true;
    add_terminal(options, options.command.envs);
  }

  const auto interrupts = TRY(Interrupts::watch());
  SandboxOptions where = TRY(connect(context, connection));
  where.name = request->sandbox;
  Sandbox sandbox(where);
  const auto joined = sandbox.attach();
  if (!joined) {
    return say_remote_error(kHelp.verb, joined.error(), where);
  }
  OutputWriter output(*interrupts);
  options.command.on_output = output.callback();
  options.command.stop = interrupts->stop_token();
  const auto execution = run(sandbox, *request, options, *interrupts);
  if (const auto lost = output.error()) {
    return std::unexpected(*lost);
  }
  if (interrupts->signal() != 0) {
    return interrupts->exit_code();
  }
  if (execution) {
    say_limits(kHelp.verb, execution->limits_hit());
    return execution->exit_code();
  }
  if (execution.error().is(ErrorCode::kTimeout)) {
    say(kHelp.verb, "the command was killed: it ran longer than " + timeout_text + " (--timeout)");
  } else {
    say_remote_error(kHelp.verb, execution.error(), where);
  }
  return command_status(execution.error());
}

}  // namespace msb::cli
