// SPDX-License-Identifier: Apache-2.0
#include "engine/session.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "engine/agent_error.h"
#include "engine/run_text.h"

namespace msb::engine {
namespace {

using Clock = Call::Clock;

// The warden reports the end of a sandbox after its last process; the stream closes with the first.
constexpr std::chrono::seconds kExitReportTimeout{3};
constexpr std::size_t kCodeFrameBytes = 128 << 10;

template <typename Message>
void append(std::vector<std::byte>& frames, std::uint32_t stream, const Message& message) {
  wire::append_frame(frames, stream, Message::kType, message.encode());
}

std::size_t index_of(wire::Language language) {
  return language == wire::Language::kPython ? 0 : 1;
}

}  // namespace

Session::Session(std::shared_ptr<AgentLink> link, std::shared_ptr<Gauges> gauges,
                 std::shared_ptr<ExitReport> exit_report, isolation::Limits limits)
    : link_(std::move(link)),
      gauges_(std::move(gauges)),
      exit_report_(std::move(exit_report)),
      limits_(limits) {}

void Session::close(const Error& reason) {
  // First, so that whoever the turnstiles send away finds the reason.
  link_->close(reason);
  for (Turnstile& turns : turns_) {
    turns.close();
  }
}

Error Session::why_gone(const Error& reason) {
  // Said by ourselves (stop), or by the caller (cancelled start).
  if (reason.is(ErrorCode::kSandboxGone) || reason.is(ErrorCode::kCancelled)) {
    return reason;
  }
  // An agent that broke the protocol was cut off, and lives: nobody reports its end.
  const auto patience =
      reason.is(ErrorCode::kCorrupt) ? std::chrono::seconds(0) : kExitReportTimeout;
  return error_from_exit(exit_report_->wait_for(patience), reason, limits_.memory_bytes);
}

RunSummary Session::summarize(const Driven& driven, const LimitEvents& limits,
                              Clock::time_point begun) const {
  return {.limits = gauges_->hit_since(limits, driven.limits),
          .dropped_bytes = driven.dropped_bytes,
          .duration = Clock::now() - begun};
}

Result<CodeEnd> Session::run_code(const CodeRequest& request, const OutputSink& sink) {
  if (request.code.size() > wire::kMaxCodeBytes) {
    return fail(ErrorCode::kInvalidArgument, "code: " + std::to_string(request.code.size()) +
                                                 " bytes are more than " +
                                                 std::to_string(wire::kMaxCodeBytes));
  }
  const auto turn = turns_[index_of(request.language)].enter(request.stop);
  if (!turn) {
    if (const auto lost = link_->lost()) {
      return std::unexpected(why_gone(*lost));
    }
    return fail(ErrorCode::kCancelled, "cancelled before it began");
  }
  const Clock::time_point begun = Clock::now();
  const auto call = std::make_shared<Call>(Call::Kind::kRepl, request.wake);
  const auto stream = link_->add(call);
  if (!stream) {
    return std::unexpected(why_gone(stream.error()));
  }
  std::vector<std::byte> frames;
  const auto timeout_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, request.timeout.count()));
  append(frames, *stream, wire::Repl{.language = request.language, .timeout_ms = timeout_ms});
  Result<> sent;
  for (std::string_view rest = request.code; sent && !rest.empty();) {
    const std::string_view piece = rest.substr(0, kCodeFrameBytes);
    wire::append_frame(frames, *stream, wire::FrameType::kReplCode, base::bytes_of(piece));
    rest.remove_prefix(piece.size());
    if (!rest.empty()) {
      sent = link_->send_bulk(frames);
      frames.clear();
    }
  }
  wire::append_frame(frames, *stream, wire::FrameType::kEnd, {});
  if (sent) {
    sent = link_->send_bulk(frames);
  }
  if (!sent) {
    link_->close(sent.error());
  }
  // Read while the guest is already at work: it cannot have met a limit of this run yet.
  const LimitEvents limits = gauges_->events();
  bool in_stderr_line = false;
  const OutputSink watching = [&](Channel channel, std::string_view bytes) {
    if (channel == Channel::kStderr) {
      in_stderr_line = bytes.back() != '\n';
    }
    sink(channel, bytes);
  };
  DriveOptions options;
  options.timeout = request.timeout;
  options.stop = request.stop;
  const Driven driven = drive(*link_, *call, *stream, watching, options);
  return finish_code(request, driven, limits, begun, sink, in_stderr_line);
}

Result<CodeEnd> Session::finish_code(const CodeRequest& request, const Driven& driven,
                                     const LimitEvents& limits, Clock::time_point begun,
                                     const OutputSink& sink, bool in_stderr_line) {
  if (const auto* error = std::get_if<Error>(&driven.end)) {
    return std::unexpected(why_gone(*error));
  }
  if (const auto* failed = std::get_if<wire::Failed>(&driven.end)) {
    return std::unexpected(error_from_agent(*failed));
  }
  const auto& done = std::get<wire::ReplDone>(driven.end);
  if (done.status == wire::ReplDone::Status::kCancelled) {
    return fail(ErrorCode::kCancelled,
                done.state_lost ? "cancelled; the interpreter was restarted, its state is gone"
                                : "cancelled");
  }
  CodeEnd end{summarize(driven, limits, begun)};
  end.status = done.status;
  end.state_lost = done.state_lost;
  if (done.status == wire::ReplDone::Status::kExit) {
    end.exit_code = done.code;
  } else if (done.status == wire::ReplDone::Status::kDied) {
    end.exit_code = done.code >= 0 ? 128 + done.code : -done.code;
  }
  const std::string line = explain_code_end(done, request.timeout, end.limits);
  if (!line.empty()) {
    sink(Channel::kStderr, in_stderr_line ? "\n" + line : line);
  }
  return end;
}

std::optional<Session::Hold> Session::hold(const std::stop_token& stop) {
  auto first = turns_[0].enter(stop);
  if (!first) {
    return std::nullopt;
  }
  auto second = turns_[1].enter(stop);
  if (!second) {
    return std::nullopt;
  }
  return Hold{*std::move(first), *std::move(second)};
}

Result<Session::Begun> Session::begin_command(const CommandRequest& request) {
  wire::Exec exec;
  exec.argv = request.argv;
  exec.env = request.env;
  exec.workdir = request.workdir;
  exec.user = request.user;
  exec.timeout_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(0, request.timeout.count()));
  if (request.terminal) {
    exec.flags |= wire::Exec::kTerminal;
    exec.rows = request.terminal->rows;
    exec.columns = request.terminal->columns;
  }
  if (request.stdin_open || !request.input.empty()) {
    exec.flags |= wire::Exec::kStdin;
  }
  TRY(check_exec(exec));
  const std::vector<std::byte> payload = exec.encode();
  if (payload.size() > wire::kMaxPayloadBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "command: arguments and variables take " + std::to_string(payload.size()) +
                    " bytes, more than " + std::to_string(wire::kMaxPayloadBytes));
  }
  Begun begun;
  begun.call =
      std::make_shared<Call>(Call::Kind::kExec, request.wake,
                             request.stdin_open ? Call::Fed::kByAnother : Call::Fed::kByWaiter);
  begun.time = Clock::now();
  const auto stream = link_->add(begun.call);
  if (!stream) {
    return std::unexpected(why_gone(stream.error()));
  }
  begun.stream = *stream;
  std::vector<std::byte> frame;
  wire::append_frame(frame, begun.stream, wire::FrameType::kExec, payload);
  if (const auto sent = link_->send_bulk(frame); !sent) {
    link_->close(sent.error());
  }
  begun.limits = gauges_->events();
  return begun;
}

Result<CommandEnd> Session::finish_command(const CommandRequest& request, const Begun& begun,
                                           const Driven& driven) {
  if (const auto* error = std::get_if<Error>(&driven.end)) {
    return std::unexpected(why_gone(*error));
  }
  if (const auto* failed = std::get_if<wire::Failed>(&driven.end)) {
    return std::unexpected(error_from_agent(*failed));
  }
  const auto& exited = std::get<wire::Exited>(driven.end);
  if (exited.ended == wire::Exited::Ended::kTimeout) {
    return fail(ErrorCode::kTimeout,
                "the command timed out after " + seconds_text(request.timeout) + " seconds");
  }
  if (exited.ended == wire::Exited::Ended::kCancelled) {
    return fail(ErrorCode::kCancelled, "cancelled");
  }
  CommandEnd end{summarize(driven, begun.limits, begun.time)};
  const bool signaled = exited.cause == wire::Exited::Cause::kSignal;
  end.signal = signaled ? exited.code : 0;
  end.exit_code = signaled ? 128 + exited.code : exited.code;
  return end;
}

Result<CommandEnd> Session::run_command(const CommandRequest& request, const OutputSink& sink) {
  const Begun begun = TRY(begin_command(request));
  DriveOptions options;
  options.timeout = request.timeout;
  options.stop = request.stop;
  options.input = request.input;
  options.ends_input = !request.input.empty();
  const Driven driven = drive(*link_, *begun.call, begun.stream, sink, options);
  return finish_command(request, begun, driven);
}

}  // namespace msb::engine
