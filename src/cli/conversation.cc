// SPDX-License-Identifier: Apache-2.0
#include "cli/conversation.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/input_pump.h"
#include "cli/terminal.h"

namespace msb::cli {
namespace {

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
    if (std::exchange(was_resized_, false)) {
      resize();
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
      resize();
    } else {
      was_resized_ = true;  // since it was asked for with a size
    }
  }

  void resize() {
    const WindowSize size = window_size(STDOUT_FILENO);
    (void)process_->resize(size.rows, size.columns);  // an ended command has no size
  }

  Interrupts& interrupts_;
  const std::optional<RawTerminal>& terminal_;
  std::mutex mutex_;  // guards what follows
  Process* process_ = nullptr;
  bool was_resized_ = false;
  int first_ = 0;  // the signal that the command was asked to end by
};

}  // namespace

void add_terminal(SpawnOptions& options, std::span<const std::string> envs) {
  const WindowSize size = window_size(STDOUT_FILENO);
  options.terminal = SpawnOptions::Terminal{.rows = size.rows, .columns = size.columns};
  // The program inside draws on our terminal, so it has to know which one that is.
  const char* kind = std::getenv("TERM");  // NOLINT(concurrency-mt-unsafe): nobody sets it
  const bool chosen = std::ranges::any_of(
      envs, [](const std::string& entry) { return entry.starts_with("TERM="); });
  if (kind != nullptr && !chosen) {
    options.command.envs.push_back(std::string("TERM=") + kind);
  }
}

Result<CommandExecution> converse(const Spawn& spawn, const SpawnOptions& options,
                                  Interrupts& interrupts) {
  std::optional<RawTerminal> terminal;
  if (options.terminal) {
    // Before the first byte arrives: a line end that ours translates once more is one too many.
    terminal.emplace(TRY(RawTerminal::enter(STDIN_FILENO)));
  }
  std::optional<Process> process;
  CommandSignals signals(interrupts, terminal);
  process.emplace(TRY(spawn(options)));
  signals.started(*process);
  std::unique_ptr<InputPump> pump;
  if (options.stdin_open) {
    pump = TRY(InputPump::start(*process));
  }
  return process->wait();
}

}  // namespace msb::cli
