// SPDX-License-Identifier: Apache-2.0
//
// msb run: one command in a sandbox of its own, as if it ran here.
//
//   arguments ─► engine ─► start (pull) ─► spawn ─► wait ─► stop ─► exit status
//                                            │  stdin   ─► InputPump ─► command
//                                            │  output  ◄─ OutputWriter (callback of the SDK)
//                                            └  signals ─► Interrupts ─► command, or the end
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <span>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/input_pump.h"
#include "cli/interrupts.h"
#include "cli/output_writer.h"
#include "cli/report.h"
#include "cli/sandbox_flags.h"
#include "cli/terminal.h"
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
    const WindowSize size = window_size(STDOUT_FILENO);
    options.terminal = SpawnOptions::Terminal{.rows = size.rows, .columns = size.columns};
    // The program inside draws on our terminal, so it has to know which one that is.
    const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
    const bool chosen = std::ranges::any_of(
        flags.config.envs, [](const std::string& entry) { return entry.starts_with("TERM="); });
    if (kind != nullptr && !chosen) {
      options.command.envs.push_back(std::string("TERM=") + kind);
    }
  }
  return options;
}

// Passes signals on to the command while this lives. One that comes before the command is there
// waits for it: its first output may be seen before spawn() has returned.
class CommandSignals {
 public:
  CommandSignals(Interrupts& interrupts, const std::optional<RawTerminal>& terminal)
      : interrupts_(interrupts), terminal_(terminal) {
    interrupts_.set_handler([this](int signal_number) { return on_signal(signal_number); });
  }
  ~CommandSignals() { interrupts_.set_handler({}); }
  CommandSignals(const CommandSignals&) = delete;
  CommandSignals& operator=(const CommandSignals&) = delete;

  void started(Process& process) {
    const std::scoped_lock lock(mutex_);
    process_ = &process;
    if (first_ != 0) {
      (void)process.signal(first_);  // it may have ended by itself
    }
  }

 private:
  // True: dealt with.
  bool on_signal(int signal_number) {
    const std::scoped_lock lock(mutex_);
    if (signal_number == SIGWINCH || signal_number == SIGCONT) {
      adapt(signal_number);
      return true;
    }
    if (std::exchange(first_, signal_number) != 0) {
      return false;  // it has been asked before
    }
    return process_ == nullptr || process_->signal(signal_number).has_value();
  }

  void adapt(int signal_number) {
    if (!terminal_) {
      return;
    }
    if (signal_number == SIGCONT) {
      terminal_->enter_again();
    }
    if (process_ != nullptr) {
      const WindowSize size = window_size(STDOUT_FILENO);
      (void)process_->resize(size.rows, size.columns);  // an ended command has no size
    }
  }

  Interrupts& interrupts_;
  const std::optional<RawTerminal>& terminal_;
  std::mutex mutex_;  // guards what follows
  Process* process_ = nullptr;
  int first_ = 0;  // the signal that the command was asked to end by
};

Result<CommandExecution> converse(Sandbox& sandbox, std::span<const Command> commands,
                                  const SpawnOptions& options, Interrupts& interrupts) {
  std::optional<RawTerminal> terminal;
  if (options.terminal) {
    // Before the first byte arrives: a line end that ours translates once more is one too many.
    terminal.emplace(TRY(RawTerminal::enter(STDIN_FILENO)));
  }
  std::optional<Process> process;
  CommandSignals signals(interrupts, terminal);
  process.emplace(TRY(spawn(sandbox, commands, options)));
  signals.started(*process);
  const auto pump = TRY(InputPump::start(*process));
  return process->wait();
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
  const auto execution = converse(
      sandbox, commands, spawn_options(flags, interrupts, output, has_terminal), interrupts);
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
