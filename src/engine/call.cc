// SPDX-License-Identifier: Apache-2.0
#include "engine/call.h"

#include <algorithm>
#include <utility>

#include "engine/stream_limits.h"

namespace msb::engine {
namespace {

// With Wake::kInPortions, output waits until there is this much or the call has ended: most runs
// then cost their thread a single wake-up. Below the initial credit, or both sides would wait.
constexpr std::size_t kPortionBytes = wire::kInitialCreditBytes / 4;
constexpr std::uint32_t kMaxPieceBytes = 1u << 30;

std::unexpected<Error> unexpected_frame() {
  return fail(ErrorCode::kCorrupt, "frame that does not fit the state of its stream");
}

}  // namespace

Result<> Call::on_frame(const wire::Frame& frame) {
  using wire::FrameType;
  const std::lock_guard lock(mutex_);
  if (ended_) {
    return unexpected_frame();
  }
  switch (frame.type) {
    case FrameType::kStarted:
      TRY(wire::Started::decode(frame.payload));
      if (kind_ != Kind::kExec || started_) {
        return unexpected_frame();
      }
      started_ = pending_.started = true;
      return {};
    case FrameType::kStdout:
      return accept_output(Channel::kStdout, frame.payload);
    case FrameType::kStderr:
      return accept_output(Channel::kStderr, frame.payload);
    case FrameType::kOutputCut: {
      const auto cut = TRY(wire::OutputCut::decode(frame.payload));
      if (!has_output()) {
        return unexpected_frame();
      }
      pending_.dropped_bytes += cut.dropped_bytes;
      return {};
    }
    case FrameType::kLimitsMet: {
      const auto met = TRY(wire::LimitsMet::decode(frame.payload));
      if (!has_output()) {
        return unexpected_frame();
      }
      pending_.limits = met;
      return {};
    }
    case FrameType::kCredit: {
      const auto credit = TRY(wire::Credit::decode(frame.payload));
      if (kind_ != Kind::kExec || credit_bytes_ + credit.size_bytes > kMaxCreditBytes) {
        return unexpected_frame();
      }
      credit_bytes_ += credit.size_bytes;
      return {};
    }
    case FrameType::kExited: {
      const auto exited = TRY(wire::Exited::decode(frame.payload));
      if (!started_) {
        return unexpected_frame();
      }
      return accept_end(Kind::kExec, exited);
    }
    case FrameType::kReplDone: {
      const auto done = TRY(wire::ReplDone::decode(frame.payload));
      return accept_end(Kind::kRepl, done);
    }
    case FrameType::kDone:
      return accept_end(Kind::kTask, Done{});
    case FrameType::kMeasured: {
      const auto measured = TRY(wire::Measured::decode(frame.payload));
      return accept_end(Kind::kMeasurement, measured);
    }
    case FrameType::kFailed: {
      auto failed = TRY(wire::Failed::decode(frame.payload));
      return accept_end(kind_, std::move(failed));
    }
    default:
      return unexpected_frame();
  }
}

Result<> Call::accept_output(Channel channel, std::span<const std::byte> bytes) {
  if (!has_output() || (kind_ == Kind::kExec && !started_)) {
    return unexpected_frame();
  }
  if (bytes.size() > window_bytes_) {
    return fail(ErrorCode::kCorrupt, "more output than was asked for");
  }
  if (bytes.empty()) {
    return {};  // uses no credit, so it must not use memory
  }
  window_bytes_ -= bytes.size();
  pending_.bytes.insert(pending_.bytes.end(), bytes.begin(), bytes.end());
  const auto size = static_cast<std::uint32_t>(bytes.size());
  if (!pending_.pieces.empty() && pending_.pieces.back().channel == channel &&
      pending_.pieces.back().size_bytes < kMaxPieceBytes) {
    pending_.pieces.back().size_bytes += size;
  } else {
    pending_.pieces.push_back({channel, size});
  }
  return {};
}

Result<> Call::accept_end(Kind kind, End end) {
  if (kind != kind_) {
    return unexpected_frame();
  }
  ended_ = true;
  pending_.end = std::move(end);
  return {};
}

void Call::on_batch_end() {
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    news = has_news(credit_waiters_ > 0);
  }
  // Not under the lock: the thread that wakes up would wait for it at once.
  if (news) {
    changed_.notify_all();
  }
}

void Call::on_lost(const Error& error) {
  const std::lock_guard lock(mutex_);
  if (!ended_) {
    ended_ = true;
    pending_.end = error;
  }
  changed_.notify_all();
}

bool Call::has_news(bool wants_credit) const {
  const bool prompt = wake_ == Wake::kPrompt;
  return pending_.end || pending_.interrupted || (prompt && pending_.started) ||
         pending_.bytes.size() >= (prompt ? 1 : kPortionBytes) ||
         (wants_credit && credit_bytes_ > 0);
}

void Call::wait(AgentLink& link, Arrived& arrived, Clock::time_point deadline, bool wants_credit) {
  arrived.bytes.clear();
  arrived.pieces.clear();
  arrived.started = arrived.interrupted = false;
  arrived.dropped_bytes = 0;
  arrived.limits.reset();
  arrived.end.reset();
  link.receive_until(deadline, fed_ == Fed::kByWaiter ? this : nullptr, [&] {
    const std::lock_guard lock(mutex_);
    return has_news(wants_credit);
  });
  std::unique_lock lock(mutex_);
  credit_waiters_ += wants_credit ? 1 : 0;
  changed_.wait_until(lock, deadline, [&] { return has_news(wants_credit); });
  credit_waiters_ -= wants_credit ? 1 : 0;
  // The two sides swap buffers, so a long run allocates only at its beginning.
  std::swap(arrived, pending_);
}

void Call::interrupt(AgentLink& link) {
  {
    const std::lock_guard lock(mutex_);
    pending_.interrupted = true;
    changed_.notify_all();
  }
  link.wake_receiver();
}

void Call::widen_window(std::uint32_t size_bytes) {
  const std::lock_guard lock(mutex_);
  window_bytes_ += size_bytes;
}

std::size_t Call::take_credit(std::size_t wanted) {
  const std::lock_guard lock(mutex_);
  const std::size_t taken = std::min<std::size_t>(wanted, credit_bytes_);
  credit_bytes_ -= taken;
  return taken;
}

std::size_t Call::wait_for_credit(std::size_t wanted, Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  ++credit_waiters_;
  changed_.wait_until(lock, deadline, [this] { return ended_ || credit_bytes_ > 0; });
  --credit_waiters_;
  if (ended_) {
    return 0;
  }
  const std::size_t taken = std::min<std::size_t>(wanted, credit_bytes_);
  credit_bytes_ -= taken;
  return taken;
}

bool Call::ended() {
  const std::lock_guard lock(mutex_);
  return ended_;
}

}  // namespace msb::engine
