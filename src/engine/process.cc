// SPDX-License-Identifier: Apache-2.0
#include "engine/process.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "base/thread.h"
#include "engine/stream_limits.h"

namespace msb::engine {

Process::Process(std::shared_ptr<Session> session, CommandRequest request, OutputSink sink)
    : session_(std::move(session)), request_(std::move(request)), sink_(std::move(sink)) {}

Result<std::unique_ptr<Process>> Process::start(std::shared_ptr<Session> session,
                                                CommandRequest request, OutputSink sink) {
  request.wake = Call::Wake::kPrompt;
  std::unique_ptr<Process> process(
      new Process(std::move(session), std::move(request), std::move(sink)));
  process->begun_ = TRY(process->session_->begin_command(process->request_));
  std::promise<void> promise;
  const std::future<void> settled = promise.get_future();
  auto thread = base::start_thread(
      [raw = process.get(), promise = std::make_shared<std::promise<void>>(std::move(promise))] {
        raw->run(std::move(*promise));
      });
  if (!thread) {
    // Nobody would hear of its end.
    AgentLink& link = process->session_->link();
    link.remove(process->begun_.stream);
    [[maybe_unused]] const auto sent =
        send_empty(link, process->begun_.stream, wire::FrameType::kCancel);
    return std::unexpected(std::move(thread).error());
  }
  process->thread_ = *std::move(thread);
  settled.wait();
  if (!process->started_) {
    auto end = process->wait();
    if (!end) {
      return std::unexpected(std::move(end).error());
    }
  }
  return process;
}

void Process::run(std::promise<void> settled) {
  // The caller's own token ends the run as the destructor does.
  const std::stop_callback chained(request_.stop, [this] { stop_.request_stop(); });
  const Driven driven = drive(session_->link(), *begun_.call, begun_.stream, sink_,
                              {.timeout = request_.timeout,
                               .stop = stop_.get_token(),
                               .input = request_.input,
                               .ends_input = !request_.input.empty(),
                               .on_started = [&] {
                                 started_ = true;
                                 settled.set_value();
                               }});
  const bool waited_for = !started_;
  end_ = session_->finish_command(request_, begun_, driven);
  if (waited_for) {
    settled.set_value();
  }
}

Process::~Process() {
  if (thread_.joinable()) {
    stop_.request_stop();
    thread_.join();
  }
}

Result<> Process::require_running() {
  if (begun_.call->ended()) {
    return fail(ErrorCode::kUnavailable, "the command has ended");
  }
  return {};
}

Result<> Process::send(std::span<const std::byte> frames) {
  if (const auto sent = session_->link().send_bulk(frames); !sent) {
    return std::unexpected(session_->why_gone(sent.error()));
  }
  return {};
}

Result<> Process::write_stdin(std::string_view bytes) {
  if (!request_.stdin_open) {
    return fail(ErrorCode::kInvalidArgument, "stdin of this command is not open");
  }
  while (!bytes.empty()) {
    const std::size_t size = begun_.call->wait_for_credit(std::min(bytes.size(), kInputFrameBytes),
                                                          Call::Clock::now() + kCheckInterval);
    if (size == 0) {
      TRY(require_running());
      continue;  // the command is slow to read; silence of the agent is seen by the driving thread
    }
    std::vector<std::byte> frame;
    wire::append_frame(frame, begun_.stream, wire::FrameType::kData,
                       base::bytes_of(bytes.substr(0, size)));
    TRY(send(frame));
    bytes.remove_prefix(size);
  }
  return {};
}

Result<> Process::close_stdin() {
  if (!std::exchange(request_.stdin_open, false)) {
    return {};
  }
  TRY(require_running());
  std::vector<std::byte> frame;
  wire::append_frame(frame, begun_.stream, wire::FrameType::kEnd, {});
  return send(frame);
}

Result<> Process::signal(int number) {
  if (number < 1 || number > 64) {
    return fail(ErrorCode::kInvalidArgument,
                "signal: " + std::to_string(number) + " is not in 1..64");
  }
  TRY(require_running());
  std::vector<std::byte> frame;
  wire::append_frame(frame, begun_.stream, wire::FrameType::kSignal,
                     wire::Signal{.number = number}.encode());
  return send(frame);
}

Result<> Process::resize(std::uint16_t rows, std::uint16_t columns) {
  TRY(require_running());
  std::vector<std::byte> frame;
  wire::append_frame(frame, begun_.stream, wire::FrameType::kResize,
                     wire::Resize{.rows = rows, .columns = columns}.encode());
  return send(frame);
}

Result<CommandEnd> Process::wait() {
  if (!thread_.joinable()) {
    return fail(ErrorCode::kInvalidArgument, "wait() was called before");
  }
  thread_.join();
  return std::move(end_);
}

}  // namespace msb::engine
