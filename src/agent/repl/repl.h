// SPDX-License-Identifier: Apache-2.0
//
// The REPL of one language: its runs, one after the other, and an interpreter that is started when
// it is needed (or ahead), and again when it is gone.
//
//   run ends by itself     kSuccess, kException                          state kept
//   code asks to exit      kExit, once the process has ended             new interpreter
//   process ends           kDied                                         new interpreter
//   timeout, cancel        SIGINT; verdict within kInterruptGrace        state kept
//                          else SIGKILL to all that came of it           new interpreter
//   ends between two runs  the next run says state_lost                  new interpreter
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "agent/context.h"
#include "agent/repl/interpreter.h"
#include "agent/repl/run.h"
#include "base/try.h"
#include "wire/messages.h"

namespace msb::agent::repl {

inline constexpr std::size_t kMaxQueuedRuns = 256;
inline constexpr std::size_t kMaxHeldCodeBytes = 2 * wire::kMaxCodeBytes;
// What an interrupted run may take to unwind.
inline constexpr std::chrono::milliseconds kInterruptGrace{500};
// An interpreter that was asked to exit may end in its own way, this long; the drivers see to less.
inline constexpr std::chrono::milliseconds kExitGrace{4000};
inline constexpr std::chrono::milliseconds kStartLimit{60'000};
// With what the first run prints (see OutputLane::create) where the processor is emulated: in a
// copy of a machine the emulator has yet to meet all code.
inline constexpr std::chrono::milliseconds kEmulatedPatienceAtFirst{100};

class Repl final : public Interpreter::Owner {
 public:
  Repl(Context& context, wire::Language language);
  ~Repl() override = default;

  using Answer = std::function<void(const Result<>& result)>;

  // Starts the interpreter unless there is one.
  void warm();
  // The configuration has changed, and no run was ever submitted: `answer` is called when a warm
  // interpreter is as if it had been started with it. It is told, or started anew.
  void adopt(Answer answer);
  // This is a copy of a machine, and no run is under way: `answer` is called when the interpreter
  // draws other random numbers than the original's.
  void renew(Answer answer);
  bool is_busy() const { return current_ != nullptr || !queue_.empty(); }
  void submit(Run& run);
  void cancel(Run& run);
  // Forgets the run, which is about to be destroyed.
  void remove(Run& run);

  // Bounds the code that waits. False: too much.
  bool hold_code(std::size_t size);
  void release_code(std::size_t size) { held_code_bytes_ -= size; }

 private:
  void on_ready() override;
  void on_verdict(Interpreter::Verdict verdict, std::int32_t exit_code) override;
  void on_exited(int status) override;

  Result<> start();
  void start_anew();
  void limit_start();
  void begin_renewal();
  void serve();
  void begin(Run& run);
  void stop(wire::ReplDone::Status reason);
  void kill();
  void finish(wire::ReplDone report);
  std::chrono::milliseconds patience_with(const Run& run) const;
  void fail_front(const Error& error);
  void died_while_starting(int status);
  void answer_all(const Result<>& result);

  Context& context_;
  const LanguageSpec& spec_;
  std::unique_ptr<Interpreter> interpreter_;
  std::deque<Run*> queue_;
  Run* current_ = nullptr;
  // Why the current run is being ended by us.
  std::optional<wire::ReplDone::Status> stopping_;
  // The code the current run asked to exit with.
  std::optional<std::int32_t> exiting_;
  bool state_lost_ = false;
  bool is_renewing_ = false;
  bool must_renew_ = false;  // as soon as it is ready
  std::size_t held_code_bytes_ = 0;
  bool has_practised_ = false;   // and not run since
  std::vector<Answer> waiting_;  // for the interpreter to be as it was told to be
  // One at a time: limit of the start, timeout of the run, grace after an interrupt or an exit.
  EventLoop::Timer timer_;
};

}  // namespace msb::agent::repl
