// SPDX-License-Identifier: Apache-2.0
#include "agent/repl/interpreter.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "agent/mark.h"
#include "agent/output_lane.h"
#include "agent/spawn.h"
#include "base/bytes.h"
#include "base/sys.h"

namespace msb::agent::repl {
namespace {

constexpr std::uint32_t kControlEvents = EPOLLIN | EPOLLET;
constexpr std::size_t kMaxLastWordsBytes = 2048;
// Goes with the run's descriptors. The kernel never sends so little in part; and most requests are
// shorter, so that the interpreter wakes up once and has all of it.
constexpr std::size_t kMaxFirstPieceBytes = 8 * 1024;

// The executable is settled before the start: interpreters find their libraries by argv[0].
std::optional<std::string> find_program(const LanguageSpec& spec, std::string_view path) {
  for (const std::string_view program : spec.programs) {
    for (std::string& candidate : executable_candidates(program, path)) {
      const auto status = base::sys::stat(candidate);
      if (status && S_ISREG(status->st_mode) && (status->st_mode & 0111) != 0) {
        return std::move(candidate);
      }
    }
  }
  return std::nullopt;
}

// In the length of a request: not code, but settings, or what renews it. Both: see kPracticeBits.
constexpr std::uint32_t kSettingsBit = 1u << 31;
constexpr std::uint32_t kRenewalBit = 1u << 30;
static_assert((kSettingsBit | kRenewalBit) == kPracticeBits);

std::string with_length(std::string_view text, std::uint32_t bits = 0) {
  const std::uint32_t size = static_cast<std::uint32_t>(text.size()) | bits;
  std::string message(sizeof size, '\0');
  std::memcpy(message.data(), &size, sizeof size);
  return message.append(text);
}

}  // namespace

Result<std::unique_ptr<Interpreter>> Interpreter::start(Context& context, const LanguageSpec& spec,
                                                        Owner& owner) {
  std::unique_ptr<Interpreter> interpreter(new Interpreter(context, spec, owner));
  TRY(interpreter->launch());
  return interpreter;
}

Result<> Interpreter::launch() {
  SpawnPlan plan = TRY(plan_process(context_.settings, {}));
  const auto program = find_program(spec_, plan.env.get("PATH"));
  if (!program) {
    return msb::fail(ErrorCode::kNotFound, "the sandbox has no " + std::string(spec_.name) + " (" +
                                               std::string(spec_.programs.front()) + " on PATH)");
  }
  plan.candidates = {*program};
  plan.argv = {*program};
  for (const std::string_view argument : spec_.arguments) {
    if (!argument.empty()) {
      plan.argv.emplace_back(argument);
    }
  }
  settings_ = settings_of(plan);
  plan.env.set("MSB_REPL_FD", std::to_string(kExtraFd));
  plan.mark = mark_ = new_mark();

  auto [ours, theirs] = TRY(base::sys::socketpair(AF_UNIX, SOCK_STREAM));
  TRY(base::sys::set_nonblocking(ours.get(), true));
  control_ = std::move(ours);
  plan.extra_fd = theirs.get();
  base::sys::Pipe out;
  if (!spec_.pipes_per_run) {
    out = TRY(base::sys::pipe());
    TRY(base::sys::set_nonblocking(out.read_end.get(), true));
    pipes_.out = std::move(out.read_end);
    plan.stdout_fd = out.write_end.get();
  }
  base::sys::Pipe err = TRY(base::sys::pipe());
  TRY(base::sys::set_nonblocking(err.read_end.get(), true));
  pipes_.err = std::move(err.read_end);
  plan.stderr_fd = err.write_end.get();

  watch_ = TRY(
      context_.loop.watch(control_.get(), kControlEvents, [this](std::uint32_t) { on_control(); }));
  request_ = with_length(spec_.driver);
  send_request();
  pid_ = TRY(spawn(plan));
  context_.children.watch(pid_, [this](int status) {
    pid_ = 0;
    on_control();  // a verdict sent before the end counts
    owner_.on_exited(status);
  });
  return {};
}

Adoption Interpreter::adopt() {
  const auto plan = plan_process(context_.settings, {});
  if (!plan || pid_ == 0) {
    return Adoption::kStartAnew;
  }
  Settings settings = settings_of(*plan);
  const Adoption adoption = ready_ ? adoption_of(spec_, settings_, settings) : Adoption::kStartAnew;
  if (adoption == Adoption::kTell) {
    settings_ = std::move(settings);
    send_special(driver_text_of(settings_), kSettingsBit);
  }
  return adoption;
}

void Interpreter::renew() {
  send_special(spec_.renewal, kRenewalBit);
}

void Interpreter::send_special(std::string_view text, std::uint32_t kind) {
  ready_ = false;
  request_ = with_length(text, kind);
  request_sent_ = 0;
  send_request();
}

Interpreter::~Interpreter() {
  if (pid_ > 0) {
    context_.children.forget(pid_);
    kill();
  }
  for (EventLoop::Watch& watch : pipe_watches_) {
    watch.stop();
  }
  context_.discard.add(std::move(pipes_.out));
  context_.discard.add(std::move(pipes_.err));
}

Result<Interpreter::RunPipes> Interpreter::make_pipes() {
  base::sys::Pipe out = TRY(base::sys::pipe());
  base::sys::Pipe err = TRY(base::sys::pipe());
  return RunPipes{.ours = {std::move(out.read_end), std::move(err.read_end)},
                  .theirs = {std::move(out.write_end), std::move(err.write_end)}};
}

Result<OutputPipes> Interpreter::submit(std::string request) {
  OutputPipes pipes;
  if (spec_.pipes_per_run) {
    if (std::optional<OutputPipes> ahead = std::exchange(ahead_, std::nullopt)) {
      pipes = *std::move(ahead);
    } else {
      RunPipes made = TRY(make_pipes());
      request_fds_ = std::move(made.theirs);
      pipes = std::move(made.ours);
    }
  } else {
    for (EventLoop::Watch& watch : pipe_watches_) {
      watch.stop();
    }
    discard_output();  // what timers printed since the last run is not this run's
    pipes = std::move(pipes_);
  }
  running_ = true;
  request_ = std::move(request);
  request_sent_ = 0;
  send_request();
  return pipes;
}

void Interpreter::prepare() {
  if (!spec_.pipes_per_run || ahead_) {
    return;
  }
  // A failure is for the run to meet, and to tell.
  auto made = make_pipes();
  if (!made) {
    return;
  }
  const std::string nothing = with_length({}, kPracticeBits);
  const std::array<int, 2> fds = {made->theirs[0].get(), made->theirs[1].get()};
  if (base::sys::send_message(control_.get(), base::bytes_of(nothing), fds)) {
    ahead_ = std::move(made->ours);
  }
}

void Interpreter::take_back(OutputPipes pipes) {
  if (spec_.pipes_per_run) {
    context_.discard.add(std::move(pipes.out));
    context_.discard.add(std::move(pipes.err));
    return;
  }
  pipes_ = std::move(pipes);
  watch_idle_pipes();
}

void Interpreter::watch_idle_pipes() {
  const std::array<int, 2> fds = {pipes_.out.get(), pipes_.err.get()};
  for (std::size_t i = 0; i < fds.size(); ++i) {
    if (fds[i] < 0) {
      continue;
    }
    // A failure leaves the pipe unread between runs; the next run still empties it first.
    auto watch =
        context_.loop.watch(fds[i], EPOLLIN | EPOLLET, [this](std::uint32_t) { discard_output(); });
    if (watch) {
      pipe_watches_[i] = *std::move(watch);
    }
  }
}

void Interpreter::discard_output() {
  std::array<std::byte, 16 * 1024> buffer;
  for (const base::UniqueFd* pipe : {&pipes_.out, &pipes_.err}) {
    // Bounded: a process that prints without pause must not keep the loop.
    for (std::size_t total = 0; pipe->valid() && total < kMaxTailBytes;) {
      const auto size = base::sys::read(pipe->get(), buffer);
      if (!size || *size == 0) {
        break;
      }
      total += *size;
    }
  }
}

void Interpreter::send_request() {
  while (request_sent_ < request_.size()) {
    const auto rest = base::bytes_of(std::string_view(request_).substr(request_sent_));
    if (request_fds_[0]) {
      const auto first = rest.first(std::min(rest.size(), kMaxFirstPieceBytes));
      const std::array<int, 2> fds = {request_fds_[0].get(), request_fds_[1].get()};
      if (const auto sent = base::sys::send_message(control_.get(), first, fds); !sent) {
        if (sent.error().sys_errno() == EAGAIN) {
          wait_for_room();
        } else {
          kill();
        }
        return;
      }
      request_fds_ = {};
      request_sent_ += first.size();
      continue;
    }
    const ssize_t size = ::send(control_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (size < 0) {
      if (errno == EAGAIN) {
        wait_for_room();
      } else {
        kill();  // it has closed its end
      }
      return;
    }
    request_sent_ += static_cast<std::size_t>(size);
  }
  request_ = {};
  request_sent_ = 0;
  if (std::exchange(waits_for_room_, false)) {
    watch_.change(kControlEvents);
  }
}

// Room is asked for when there was none: else every request that is taken out of the socket would
// be an event.
void Interpreter::wait_for_room() {
  if (!std::exchange(waits_for_room_, true)) {
    watch_.change(kControlEvents | EPOLLOUT);
  }
}

void Interpreter::on_control() {
  send_request();
  std::array<std::byte, 64> buffer;
  while (control_) {
    const auto size = base::sys::read(control_.get(), buffer);
    if (!size && size.error().sys_errno() == EAGAIN) {
      return;
    }
    if (!size || *size == 0) {
      // Its end of the channel is closed: it has ended, or is of no use any more.
      watch_.stop();
      control_.reset();
      kill();
      return;
    }
    for (std::size_t i = 0; i < *size; ++i) {
      if (!parse_control(buffer[i])) {
        return;
      }
    }
  }
}

// False: stop here. The interpreter is being ended, or the owner was told something and may have
// destroyed it; what follows a verdict in the channel was not asked for.
bool Interpreter::parse_control(std::byte byte) {
  if (exit_size_ > 0) {
    exit_message_[exit_size_++] = byte;
    if (exit_size_ < exit_message_.size()) {
      return true;
    }
    std::int32_t code = 0;
    std::memcpy(&code, exit_message_.data() + 1, sizeof code);
    running_ = false;
    exit_size_ = 0;
    owner_.on_verdict(Verdict::kExit, code);
    return false;
  }
  const auto kind = static_cast<char>(byte);
  if (!ready_ && kind == 'R') {
    ready_ = true;
    if (!std::exchange(came_up_, true)) {
      if (spec_.pipes_per_run) {
        context_.discard.add(std::move(pipes_.err));
      } else {
        watch_idle_pipes();
      }
    }
    owner_.on_ready();
    return false;
  }
  if (!running_ || !request_.empty()) {
    kill();  // speaks out of turn
    return false;
  }
  switch (static_cast<Verdict>(kind)) {
    case Verdict::kExit:
      exit_message_[exit_size_++] = byte;
      return true;
    case Verdict::kSuccess:
    case Verdict::kException:
    case Verdict::kInterrupted:
      running_ = false;
      owner_.on_verdict(static_cast<Verdict>(kind), 0);
      return false;
  }
  kill();
  return false;
}

void Interpreter::interrupt() {
  if (pid_ > 0) {
    ::kill(-pid_, SIGINT);
  }
}

void Interpreter::kill() {
  if (pid_ > 0) {
    kill_marked(pid_, mark_);
  }
}

std::string Interpreter::last_words() {
  std::array<std::byte, kMaxLastWordsBytes> buffer;
  const auto size = pipes_.err ? base::sys::read(pipes_.err.get(), buffer) : std::size_t{0};
  std::string text(base::text_of(std::span(buffer).first(size.value_or(0))));
  while (text.ends_with('\n')) {
    text.pop_back();
  }
  return text;
}

}  // namespace msb::agent::repl
