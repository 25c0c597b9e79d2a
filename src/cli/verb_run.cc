// SPDX-License-Identifier: Apache-2.0
//
// msb run: one command in a sandbox of its own, as if it ran here.
//
//   arguments ─► engine ─► start (pull) ─► converse (spawn, wait) ─► stop ─► exit status
#include <unistd.h>

#include <algorithm>
#include <span>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/conversation.h"
#include "cli/interrupts.h"
#include "cli/output_writer.h"
#include "cli/report.h"
#include "cli/sandbox_flags.h"
#include "cli/verb.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "run",
    .usage = "[OPTIONS] IMAGE [--] [CMD [ARG...]]",
    .about =
        "Run a command in a fresh sandbox, which is removed when the command ends.\n"
        "Options stand before IMAGE; everything after it belongs to the command. Without CMD the\n"
        "image's own command runs, or a shell if there is none and this is a terminal.",
    .epilogue =
        "Examples:\n"
        "  msb run alpine -- echo hello\n"
        "  msb run -v ./src:/src:ro -w /src --timeout 60s microsandbox/python -- python3 test.py\n"
        "  generate | msb run --memory 64 --cpus 0.5 alpine -- sort | head\n"
        "\n"
        "stdin, stdout and stderr are passed through. If stdin and stdout are terminals, the\n"
        "command gets a terminal too (not with -T). The first ^C goes to the command, the second\n"
        "stops the sandbox.\n"
        "\n"
        "Exit status: the command's own; 128+N if signal N ended it; 124 after a timeout; 126 if\n"
        "CMD cannot be executed, 127 if it is not found; 125 if msb itself failed.",
};

struct Command {
  std::string name;
  std::vector<std::string> arguments;
};

// What to run, best first; never empty.
Result<std::vector<Command>> commands_to_try(std::span<const std::string> asked,
                                             const Sandbox& sandbox, const std::string& image,
                                             bool has_terminal) {
  const std::vector<std::string> own = sandbox.image_command();
  const std::span<const std::string> words = asked.empty() ? std::span(own) : asked;
  if (!words.empty()) {
    return std::vector{Command{words.front(), {words.begin() + 1, words.end()}}};
  }
  if (has_terminal) {
    return std::vector{Command{"/bin/bash", {}}, Command{"/bin/sh", {}}};
  }
  return fail(
      ErrorCode::kInvalidArgument,
      "image '" + image + "' has no command of its own; give one: msb run " + image + " -- CMD");
}

Result<Process> spawn(Sandbox& sandbox, std::span<const Command> commands,
                      const SpawnOptions& options) {
  const Command& first = commands.front();
  auto process = sandbox.command().spawn(first.name, first.arguments, options);
  const bool missing = !process && process.error().cause() == ErrorCode::kNotFound;
  return missing && commands.size() > 1 ? spawn(sandbox, commands.subspan(1), options)
                                        : std::move(process);
}

SpawnOptions spawn_options(const SandboxFlags& flags, const Interrupts& interrupts,
                           OutputWriter& output, bool has_terminal) {
  SpawnOptions options;
  options.command.timeout = flags.timeout;
  options.command.on_output = output.callback();
  options.command.stop = interrupts.stop_token();
  options.collect_output = false;
  if (has_terminal) {
    add_terminal(options, flags.config.envs);
  }
  return options;
}

int report(const Result<CommandExecution>& execution, const OutputWriter& output,
           const Interrupts& interrupts, const SandboxFlags& flags) {
  if (const auto lost = output.error()) {
    say_error(kHelp.verb, *lost);
    return kOurFailure;
  }
  if (interrupts.signal() != 0) {
    return interrupts.exit_code();
  }
  if (execution) {
    say_limits(kHelp.verb, execution->limits_hit());
    return execution->exit_code();
  }
  if (execution.error().is(ErrorCode::kTimeout)) {
    say(kHelp.verb,
        "the command was killed: it ran longer than " + flags.timeout_text + " (--timeout)");
  } else {
    say_error(kHelp.verb, execution.error());
  }
  return command_status(execution.error());
}

// `flags` is taken by value: the engine it holds must end while signals are still watched.
Result<int> run_in_sandbox(const Context& context, SandboxFlags flags,
                           std::span<const std::string> asked, bool has_terminal,
                           Interrupts& interrupts) {
  TRY(make_engine(context, flags));
  Sandbox sandbox(flags.options);
  const auto started = start(sandbox, flags, interrupts, kHelp.verb);
  if (interrupts.signal() != 0) {
    return interrupts.exit_code();
  }
  TRY(started);

  OutputWriter output(interrupts);
  const auto commands = TRY(commands_to_try(asked, sandbox, flags.config.image, has_terminal));
  const auto execution =
      converse([&](const SpawnOptions& options) { return spawn(sandbox, commands, options); },
               spawn_options(flags, interrupts, output, has_terminal), interrupts);
  const int status = report(execution, output, interrupts, flags);
  if (const auto stopped = sandbox.stop(); !stopped) {
    say_error(kHelp.verb, stopped.error());
  }
  return status;
}

}  // namespace

Result<int> run(Context context, std::vector<std::string> words) {
  SandboxFlags flags;
  bool no_terminal = false;
  Arguments arguments(context, kHelp);
  flags.add_to(arguments);
  arguments.flag("-T,--no-tty", "No terminal for the command, even on one", no_terminal);
  const auto parsed = TRY(arguments.parse(std::move(words), Operands::kEndOptions));
  if (!parsed) {
    return 0;
  }
  if (parsed->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "which image? IMAGE is missing"));
  }
  flags.config.image = parsed->front();
  std::span<const std::string> asked = std::span(*parsed).subspan(1);
  if (!asked.empty() && asked.front() == "--") {
    asked = asked.subspan(1);
  }
  TRY(flags.complete());
  const bool has_terminal =
      !no_terminal && ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;

  const auto interrupts = TRY(Interrupts::watch());
  return run_in_sandbox(context, std::move(flags), asked, has_terminal, *interrupts);
}

}  // namespace msb::cli
