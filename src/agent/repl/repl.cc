// SPDX-License-Identifier: Apache-2.0
#include "agent/repl/repl.h"

#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <string>
#include <utility>

#include "agent/emulation.h"

namespace msb::agent::repl {

using Status = wire::ReplDone::Status;

Repl::Repl(Context& context, wire::Language language)
    : context_(context), spec_(spec_of(language)) {}

bool Repl::hold_code(std::size_t size) {
  if (held_code_bytes_ + size > kMaxHeldCodeBytes) {
    return false;
  }
  held_code_bytes_ += size;
  return true;
}

void Repl::warm() {
  if (!interpreter_) {
    // A failure is told to the first run, which tries again.
    static_cast<void>(start());
  }
}

void Repl::adopt(Answer answer) {
  if (!interpreter_) {
    answer({});
    return;
  }
  waiting_.push_back(std::move(answer));
  switch (interpreter_->adopt()) {
    case Adoption::kNothingToDo:
      answer_all({});
      return;
    case Adoption::kTell:
      limit_start();
      return;
    case Adoption::kStartAnew:
      start_anew();
      return;
  }
}

void Repl::renew(Answer answer) {
  if (!interpreter_) {
    answer({});
    return;
  }
  waiting_.push_back(std::move(answer));
  if (interpreter_->ready()) {
    begin_renewal();
  } else {
    must_renew_ = true;
  }
}

// It says when it is ready, within this time.
void Repl::limit_start() {
  timer_ = context_.loop.after(kStartLimit, [this] { interpreter_->kill(); });
}

void Repl::begin_renewal() {
  is_renewing_ = true;
  limit_start();
  interpreter_->renew();
}

// A failure is told to the first run, as after warm().
void Repl::start_anew() {
  timer_.stop();  // it is about the interpreter that goes, and there may be no other
  interpreter_.reset();
  if (!start()) {
    answer_all({});
  }
}

void Repl::answer_all(const Result<>& result) {
  for (const Answer& answer : std::exchange(waiting_, {})) {
    answer(result);
  }
}

Result<> Repl::start() {
  interpreter_ = TRY(Interpreter::start(context_, spec_, *this));
  limit_start();
  return {};
}

void Repl::submit(Run& run) {
  if (queue_.size() >= kMaxQueuedRuns) {
    run.fail(Error(ErrorCode::kResourceExhausted,
                   "more than " + std::to_string(kMaxQueuedRuns) + " runs are waiting"));
    return;
  }
  queue_.push_back(&run);
  serve();
}

void Repl::remove(Run& run) {
  std::erase(queue_, &run);
  if (current_ == &run) {
    current_ = nullptr;
  }
}

void Repl::fail_front(const Error& error) {
  Run* run = queue_.front();
  queue_.pop_front();
  run->fail(error);
}

// Brings the front of the queue as far as it can go now.
void Repl::serve() {
  while (current_ == nullptr && !queue_.empty()) {
    if (!interpreter_) {
      if (const auto started = start(); !started) {
        fail_front(started.error());
        continue;
      }
    }
    if (!interpreter_->ready()) {
      return;
    }
    Run* run = queue_.front();
    queue_.pop_front();
    begin(*run);
  }
}

void Repl::begin(Run& run) {
  current_ = &run;
  stopping_.reset();
  exiting_.reset();
  auto pipes = interpreter_->submit(run.take_request());
  const auto begun =
      pipes ? run.begin(*std::move(pipes), patience_with(run)) : std::unexpected(pipes.error());
  if (!begun) {
    // Out of descriptors: the run cannot be heard, so its interpreter is of no use.
    current_ = nullptr;
    interpreter_.reset();
    state_lost_ = true;
    run.fail(begun.error());
    return;
  }
  if (run.timeout_ms() > 0) {
    timer_ = context_.loop.after(delay_of(run.timeout_ms()), [this] { stop(Status::kTimeout); });
  }
}

// A run that waits for room in its pipes should not meet its timeout in that.
std::chrono::milliseconds Repl::patience_with(const Run& run) const {
  const auto patience =
      has_practised_ && is_emulated() ? kEmulatedPatienceAtFirst : usual_patience();
  return run.timeout_ms() == 0 ? patience
                               : std::clamp(delay_of(run.timeout_ms()) / 4, kPatience, patience);
}

void Repl::on_ready() {
  timer_.stop();
  is_renewing_ = false;
  if (std::exchange(must_renew_, false)) {
    begin_renewal();
    return;
  }
  answer_all({});
  serve();
}

void Repl::cancel(Run& run) {
  if (current_ == &run) {
    stop(Status::kCancelled);
  } else if (std::erase(queue_, &run) > 0) {
    static_cast<void>(run.finish({.status = Status::kCancelled}));
  }
}

// Ends the current run: asks first, because then the state survives.
void Repl::stop(Status reason) {
  if (stopping_) {
    return;
  }
  stopping_ = reason;
  if (exiting_) {
    kill();
    return;
  }
  interpreter_->interrupt();
  timer_ = context_.loop.after(kInterruptGrace, [this] { kill(); });
}

void Repl::kill() {
  interpreter_->kill();
  // Should the kernel not let it die (a hung disk), the run is answered all the same.
  timer_ = context_.loop.after(kAnswerGrace, [this] {
    finish({.status = stopping_.value_or(Status::kDied), .code = SIGKILL, .state_lost = true});
    interpreter_.reset();
    serve();
  });
}

void Repl::on_verdict(Interpreter::Verdict verdict, std::int32_t exit_code) {
  if (verdict == Interpreter::Verdict::kExit) {
    exiting_ = exit_code;
    if (!stopping_) {
      timer_ = context_.loop.after(kExitGrace, [this] { kill(); });
    }
    return;
  }
  wire::ReplDone report;
  report.status = stopping_                                   ? *stopping_
                  : verdict == Interpreter::Verdict::kSuccess ? Status::kSuccess
                                                              : Status::kException;
  finish(report);
  serve();
}

void Repl::on_exited(int status) {
  timer_.stop();
  if (interpreter_->adopting()) {
    state_lost_ |= std::exchange(is_renewing_, false);
    start_anew();
    return;
  }
  if (!interpreter_->came_up()) {
    died_while_starting(status);
    return;
  }
  if (current_ == nullptr) {
    state_lost_ = true;
    interpreter_.reset();
    serve();
    return;
  }
  wire::ReplDone report{.status = Status::kDied, .state_lost = true};
  report.code = WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
  if (stopping_) {
    report.status = *stopping_;
  } else if (exiting_) {
    report.status = Status::kExit;
    report.code = *exiting_;
  }
  finish(report);
  interpreter_.reset();
  // Ahead of the next run: whoever ran one will probably run another.
  warm();
  serve();
}

void Repl::died_while_starting(int status) {
  std::string text = std::string(spec_.name) + " ended while it was starting (";
  text += WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                              : "exit status " + std::to_string(WEXITSTATUS(status));
  text += ")";
  if (const std::string words = interpreter_->last_words(); !words.empty()) {
    text += ": " + words;
  }
  interpreter_.reset();
  const Error error(ErrorCode::kUnavailable, std::move(text));
  answer_all(std::unexpected(error));
  if (!queue_.empty()) {
    fail_front(error);
    serve();
  }
}

void Repl::finish(wire::ReplDone report) {
  timer_.stop();
  report.state_lost |= std::exchange(state_lost_, false);
  if (Run* run = std::exchange(current_, nullptr)) {
    const bool is_practice = run->is_practice();
    interpreter_->take_back(run->finish(report));  // the run may be gone then
    has_practised_ = is_practice;
    if (is_practice) {
      interpreter_->prepare();
    }
  }
}

}  // namespace msb::agent::repl
