// SPDX-License-Identifier: Apache-2.0
#include "agent/repl/run.h"

#include <cstring>

#include "agent/repl/repl.h"
#include "base/bytes.h"

namespace msb::agent::repl {
namespace {

constexpr std::size_t kLengthBytes = sizeof(std::uint32_t);

}  // namespace

Run::Run(Context& context, Repl& repl, std::uint32_t stream, const wire::Repl& request)
    : Stream(stream),
      context_(context),
      repl_(repl),
      timeout_ms_(request.timeout_ms),
      bits_(request.is_practice ? kPracticeBits : 0),
      request_(kLengthBytes, '\0') {}

Run::~Run() {
  give_up_code();
  repl_.remove(*this);
}

void Run::give_up_code() {
  if (request_.size() > kLengthBytes) {
    repl_.release_code(request_.size() - kLengthBytes);
  }
  request_ = {};
}

void Run::on_code(std::span<const std::byte> bytes) {
  if (submitted_ || closed_) {
    return;
  }
  if (request_.size() - kLengthBytes + bytes.size() > wire::kMaxCodeBytes ||
      !repl_.hold_code(bytes.size())) {
    fail(Error(ErrorCode::kResourceExhausted, "more code than the agent can hold"));
    return;
  }
  request_ += base::text_of(bytes);
}

void Run::on_end() {
  if (!closed_ && !std::exchange(submitted_, true)) {
    repl_.submit(*this);
  }
}

void Run::on_cancel() {
  if (closed_) {
    return;
  }
  if (finished_) {
    // Only output is missing that the host does not take; it gets a last chance.
    grace_ = context_.loop.after(kAnswerGrace, [this] { report(); });
  } else if (submitted_) {
    repl_.cancel(*this);
  } else {
    static_cast<void>(finish({.status = wire::ReplDone::Status::kCancelled}));
  }
}

void Run::on_credit() {
  for (OutputLane* lane : {out_.get(), err_.get()}) {
    if (lane != nullptr) {
      lane->resume();
    }
  }
}

std::string Run::take_request() {
  limits_.begin(context_.settings);
  const auto size = static_cast<std::uint32_t>(request_.size() - kLengthBytes);
  repl_.release_code(size);
  const std::uint32_t head = size | bits_;
  std::memcpy(request_.data(), &head, sizeof head);
  return std::exchange(request_, {});
}

Result<> Run::begin(OutputPipes pipes, std::chrono::milliseconds patience) {
  const auto lane = [this, patience](wire::FrameType type, base::UniqueFd fd) {
    return OutputLane::create(context_.loop, context_.link, *this, type, std::move(fd), patience,
                              [this] { report_if_done(); });
  };
  // An interpreter that has one pair for life may have closed either.
  if (pipes.out) {
    out_ = TRY(lane(wire::FrameType::kStdout, std::move(pipes.out)));
  }
  if (pipes.err) {
    err_ = TRY(lane(wire::FrameType::kStderr, std::move(pipes.err)));
  }
  return {};
}

OutputPipes Run::finish(const wire::ReplDone& report) {
  report_ = report;
  finished_ = true;
  OutputPipes pipes;
  if (out_) {
    pipes.out = out_->settle();
  }
  if (err_) {
    pipes.err = err_->settle();
  }
  if (report.status == wire::ReplDone::Status::kTimeout ||
      report.status == wire::ReplDone::Status::kCancelled) {
    grace_ = context_.loop.after(kAnswerGrace, [this] { this->report(); });
  }
  report_if_done();
  return pipes;
}

void Run::report_if_done() {
  const auto done = [](const std::unique_ptr<OutputLane>& lane) { return !lane || lane->ended(); };
  if (finished_ && done(out_) && done(err_)) {
    report();
  }
}

void Run::report() {
  if (std::exchange(closed_, true)) {
    return;
  }
  std::uint64_t dropped = 0;
  for (OutputLane* lane : {out_.get(), err_.get()}) {
    if (lane != nullptr && !lane->ended()) {
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

void Run::fail(const Error& error) {
  if (!std::exchange(closed_, true)) {
    give_up_code();
    context_.link.send_failure(id(), error);
    context_.close_stream(id());
  }
}

}  // namespace msb::agent::repl
