// SPDX-License-Identifier: Apache-2.0
#include "agent/exec.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <string_view>
#include <utility>

#include "agent/mark.h"
#include "agent/spawn.h"
#include "agent/terminal.h"
#include "base/bytes.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

constexpr std::string_view kEndOfInput = "\x04";  // what a terminal takes for it

}  // namespace

Result<std::unique_ptr<Exec>> Exec::start(Context& context, std::uint32_t stream,
                                          const wire::Exec& request) {
  SpawnPlan plan = TRY(plan_process(
      context.settings, {.user = request.user, .workdir = request.workdir, .env = request.env}));
  plan.argv = request.argv;
  plan.candidates = executable_candidates(request.argv.front(), plan.env.get("PATH"));
  plan.mark = new_mark();

  std::unique_ptr<Exec> exec(new Exec(context, stream));
  exec->mark_ = plan.mark;
  exec->limits_.begin(context.settings);
  exec->terminal_ = (request.flags & wire::Exec::kTerminal) != 0;
  if (exec->terminal_) {
    plan.env.set_default("TERM", "xterm");
    TRY(exec->start_on_terminal(plan, request.rows, request.columns));
  } else {
    TRY(exec->start_on_pipes(plan, (request.flags & wire::Exec::kStdin) != 0));
  }
  context.children.watch(exec->pid_, [raw = exec.get()](int status) { raw->exited(status); });
  if (request.timeout_ms > 0) {
    exec->timer_ = context.loop.after(delay_of(request.timeout_ms), [raw = exec.get()] {
      raw->kill(wire::Exited::Ended::kTimeout);
    });
  }
  context.link.send(stream, wire::Started{static_cast<std::uint32_t>(exec->pid_)});
  return exec;
}

Exec::~Exec() {
  if (pid_ > 0) {
    context_.children.forget(pid_);
    kill_marked(pid_, mark_);
  }
}

Result<std::unique_ptr<OutputLane>> Exec::output(wire::FrameType type, base::UniqueFd fd) {
  return OutputLane::create(context_.loop, context_.link, *this, type, std::move(fd),
                            terminal_ ? kNoPatience : usual_patience(),
                            [this] { report_if_done(); });
}

Result<> Exec::start_on_pipes(SpawnPlan& plan, bool feed_stdin) {
  base::sys::Pipe in;
  if (feed_stdin) {
    in = TRY(base::sys::pipe());
    stdin_ = TRY(InputLane::create(context_.loop, context_.link, *this, std::move(in.write_end),
                                   [this] { stdin_.reset(); }));
  }
  base::sys::Pipe out = TRY(base::sys::pipe());
  base::sys::Pipe err = TRY(base::sys::pipe());
  plan.stdin_fd = in.read_end.get();
  plan.stdout_fd = out.write_end.get();
  plan.stderr_fd = err.write_end.get();
  stdout_ = TRY(output(wire::FrameType::kStdout, std::move(out.read_end)));
  stderr_ = TRY(output(wire::FrameType::kStderr, std::move(err.read_end)));
  pid_ = TRY(spawn(plan));
  return {};
}

Result<> Exec::start_on_terminal(SpawnPlan& plan, std::uint16_t rows, std::uint16_t columns) {
  Terminal terminal = TRY(open_terminal(rows, columns, plan.identity.uid));
  // Two descriptors of the master: each lane watches its own.
  base::UniqueFd writer = TRY(base::sys::dup(terminal.master.get()));
  plan.stdin_fd = plan.stdout_fd = plan.stderr_fd = terminal.slave.get();
  plan.controlling_terminal = true;
  stdin_ = TRY(InputLane::create(context_.loop, context_.link, *this, std::move(writer),
                                 [this] { stdin_.reset(); }));
  stdout_ = TRY(output(wire::FrameType::kStdout, std::move(terminal.master)));
  pid_ = TRY(spawn(plan));
  return {};
}

void Exec::on_data(std::span<const std::byte> bytes) {
  if (stdin_) {
    stdin_->write(bytes);
  }
}

void Exec::on_end() {
  if (stdin_ && terminal_) {
    stdin_->write(base::bytes_of(kEndOfInput));
  } else if (stdin_) {
    stdin_->end();
  }
}

void Exec::on_signal(int number) {
  if (pid_ > 0) {
    ::kill(-pid_, number);
  }
}

void Exec::on_resize(std::uint16_t rows, std::uint16_t columns) {
  if (stdin_ && terminal_) {
    resize_terminal(stdin_->fd(), rows, columns);
  }
}

void Exec::on_cancel() {
  kill(wire::Exited::Ended::kCancelled);
}

void Exec::on_credit() {
  for (OutputLane* lane : {stdout_.get(), stderr_.get()}) {
    if (lane != nullptr) {
      lane->resume();
    }
  }
}

void Exec::on_left() {
  if (pid_ > 0) {
    context_.children.forget(std::exchange(pid_, 0));
  }
  for (OutputLane* lane : {stdout_.get(), stderr_.get()}) {
    if (lane != nullptr) {
      context_.discard.add(lane->settle());
    }
  }
}

void Exec::kill(wire::Exited::Ended reason) {
  if (std::exchange(killed_, true) || reported_) {
    return;
  }
  if (pid_ > 0) {
    report_ = {.cause = wire::Exited::Cause::kSignal, .code = SIGKILL, .ended = reason};
    kill_marked(pid_, mark_);
  }
  timer_ = context_.loop.after(kAnswerGrace, [this] { report(); });
}

void Exec::exited(int status) {
  pid_ = 0;
  if (!killed_) {
    timer_.stop();  // the timeout; the host may take all the time it wants for the output
  }
  if (WIFSIGNALED(status)) {
    report_.cause = wire::Exited::Cause::kSignal;
    report_.code = WTERMSIG(status);
  } else {
    report_.cause = wire::Exited::Cause::kExit;
    report_.code = WEXITSTATUS(status);
  }
  stdin_.reset();
  for (OutputLane* lane : {stdout_.get(), stderr_.get()}) {
    if (lane != nullptr) {
      base::UniqueFd rest = lane->settle();
      // A terminal is closed: whoever is left on it gets the hangup it expects.
      if (!terminal_) {
        context_.discard.add(std::move(rest));
      }
    }
  }
  report_if_done();
}

void Exec::report_if_done() {
  const auto done = [](const std::unique_ptr<OutputLane>& lane) { return !lane || lane->ended(); };
  if (pid_ == 0 && done(stdout_) && done(stderr_)) {
    report();
  }
}

void Exec::report() {
  if (std::exchange(reported_, true)) {
    return;
  }
  timer_.stop();
  std::uint64_t dropped = 0;
  for (OutputLane* lane : {stdout_.get(), stderr_.get()}) {
    if (lane != nullptr && !lane->ended()) {
      static_cast<void>(lane->settle());
      dropped += lane->drop();
    }
  }
  if (dropped > 0) {
    context_.link.send(id(), wire::OutputCut{dropped});
  }
  if (const auto met = limits_.end()) {
    context_.link.send(id(), *met);
  }
  context_.link.send(id(), report_);
  context_.close_stream(id());
}

}  // namespace msb::agent
