// SPDX-License-Identifier: Apache-2.0
#include "engine/drive.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "engine/stream_limits.h"

namespace msb::engine {
namespace {

using Clock = AgentLink::Clock;

// Beyond any time limit that is meant, and far from the clock's overflow.
constexpr std::chrono::hours kMaxTimeout{24 * 365 * 10};

class Driver {
 public:
  Driver(AgentLink& link, Call& call, std::uint32_t stream, const OutputSink& sink,
         const DriveOptions& options)
      : link_(link),
        call_(call),
        stream_(stream),
        sink_(sink),
        options_(options),
        input_(options.input),
        input_open_(options.ends_input),
        rested_before_(link.rested()) {
    if (options.timeout.count() > 0) {
      give_up_at_ = now() + std::min<Clock::duration>(options.timeout, kMaxTimeout) + kAgentGrace;
    }
  }

  Driven run() {
    const std::stop_callback on_stop(options_.stop, [this] { call_.interrupt(link_); });
    Call::Arrived arrived;
    for (;;) {
      feed();
      call_.wait(link_, arrived, wait_until(), !input_.empty());
      driven_.dropped_bytes += arrived.dropped_bytes;
      if (arrived.limits) {
        driven_.limits = arrived.limits;
      }
      if (arrived.started && options_.on_started) {
        options_.on_started();
      }
      pass_on(arrived);
      if (arrived.end) {
        driven_.end = *std::move(arrived.end);
        return std::move(driven_);
      }
      if (options_.stop.stop_requested() && !cancelled_) {
        cancel();
      }
      if (cancelled_ && link_.is_resting()) {
        // It ends when the sandbox goes on, and nobody waits for that.
        link_.remove(stream_);
        driven_.end = Error(ErrorCode::kCancelled, "cancelled while the sandbox is paused");
        return std::move(driven_);
      }
      if (now() >= give_up_at_) {
        link_.close(Error(ErrorCode::kUnavailable,
                          "the agent inside the sandbox does not keep the time limit"));
      } else {
        link_.check_alive();
      }
    }
  }

 private:
  // A clock that stands still with the sandbox.
  Clock::time_point now() const { return Clock::now() - (link_.rested() - rested_before_); }

  Clock::time_point wait_until() const {
    const Clock::duration left = link_.is_resting() ? Clock::duration::max() : give_up_at_ - now();
    return Clock::now() + std::min<Clock::duration>(left, kCheckInterval);
  }

  void feed() {
    while (!input_.empty()) {
      const auto sent = send_input(link_, call_, stream_, input_);
      if (!sent) {
        return give_up(sent.error());
      }
      if (*sent == 0) {
        return;
      }
      input_.remove_prefix(*sent);
    }
    if (std::exchange(input_open_, false)) {
      check(send_empty(link_, stream_, wire::FrameType::kEnd));
    }
  }

  void pass_on(const Call::Arrived& arrived) {
    std::string_view bytes = base::text_of(arrived.bytes);
    for (const Call::Piece& piece : arrived.pieces) {
      if (sink_) {
        sink_(piece.channel, bytes.substr(0, piece.size_bytes));
      }
      bytes.remove_prefix(piece.size_bytes);
    }
    consumed_bytes_ += static_cast<std::uint32_t>(arrived.bytes.size());
    if (consumed_bytes_ < kCreditStepBytes || arrived.end) {
      return;
    }
    const wire::Credit credit{.size_bytes = std::exchange(consumed_bytes_, 0)};
    call_.widen_window(credit.size_bytes);
    std::vector<std::byte> frame;
    wire::append_frame(frame, stream_, wire::FrameType::kCredit, credit.encode());
    check(link_.send(frame));
  }

  void cancel() {
    cancelled_ = true;
    give_up_at_ = std::min(give_up_at_, now() + kAgentGrace);
    input_ = {};
    input_open_ = false;
    check(send_empty(link_, stream_, wire::FrameType::kCancel));
  }

  // A request that cannot be sent gets no answer: the end comes through the link's loss.
  void check(const Result<>& sent) {
    if (!sent) {
      give_up(sent.error());
    }
  }
  void give_up(const Error& error) {
    input_ = {};
    input_open_ = false;
    link_.close(error);
  }

  AgentLink& link_;
  Call& call_;
  const std::uint32_t stream_;
  const OutputSink& sink_;
  const DriveOptions& options_;
  std::string_view input_;
  bool input_open_;
  std::uint32_t consumed_bytes_ = 0;
  const Clock::duration rested_before_;
  Clock::time_point give_up_at_ = Clock::time_point::max();  // by now()
  bool cancelled_ = false;
  Driven driven_;
};

}  // namespace

Driven drive(AgentLink& link, Call& call, std::uint32_t stream, const OutputSink& sink,
             const DriveOptions& options) {
  return Driver(link, call, stream, sink, options).run();
}

Result<std::size_t> send_input(AgentLink& link, Call& call, std::uint32_t stream,
                               std::string_view bytes) {
  const std::size_t size = call.take_credit(std::min(bytes.size(), kInputFrameBytes));
  if (size > 0) {
    std::vector<std::byte> frame;
    frame.reserve(wire::kHeaderSize + size);
    wire::append_frame(frame, stream, wire::FrameType::kData,
                       base::bytes_of(bytes.substr(0, size)));
    TRY(link.send_bulk(frame));
  }
  return size;
}

Result<> send_empty(AgentLink& link, std::uint32_t stream, wire::FrameType type) {
  std::vector<std::byte> frame;
  wire::append_frame(frame, stream, type, {});
  return link.send(frame);
}

}  // namespace msb::engine
