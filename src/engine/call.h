// SPDX-License-Identifier: Apache-2.0
//
// One request to the agent whose answers a thread waits for: an exec, a REPL run, a task that is
// done or fails (a file to write, an interpreter to warm, settings to adopt), or a measurement.
// Whoever receives puts in what arrives, checked against the request's state; the waiting thread
// takes it out and grants credit for what it has consumed. So a thread that is slow (or does not
// come at all) makes the guest wait, costs at most kInitialCreditBytes here, and disturbs nobody
// else.
//
//   exec    kStarted, then kStdout | kStderr | kOutputCut | kCredit | kLimitsMet ..., then kExited
//   repl    kStdout | kStderr | kOutputCut | kLimitsMet ..., then kReplDone
//   task    kDone
//   measurement   kMeasured                           any of them: kFailed instead, at any time
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "engine/agent_link.h"
#include "wire/messages.h"

namespace msb::engine {

enum class Channel : std::uint8_t { kStdout, kStderr };

class Call final : public Stream {
 public:
  using Clock = AgentLink::Clock;
  enum class Kind { kExec, kRepl, kTask, kMeasurement };

  struct Done {};
  // How it ended; an Error when the link was lost before the end.
  using End = std::variant<Done, wire::Exited, wire::ReplDone, wire::Measured, wire::Failed, Error>;

  // Output in order of arrival: `pieces` cut `bytes` into runs of one channel.
  struct Piece {
    Channel channel;
    std::uint32_t size_bytes;
  };
  struct Arrived {
    std::vector<std::byte> bytes;
    std::vector<Piece> pieces;
    bool started = false;
    bool interrupted = false;  // interrupt() was called since the last wait()
    std::uint64_t dropped_bytes = 0;
    std::optional<wire::LimitsMet> limits;
    std::optional<End> end;
  };

  // When the waiting thread is woken before the end: as soon as there is anything, or for large
  // portions of output only.
  enum class Wake { kPrompt, kInPortions };
  // Whose input the waiting thread alone sends, or another one, which waits for credit.
  enum class Fed { kByWaiter, kByAnother };
  Call(Kind kind, Wake wake, Fed fed = Fed::kByWaiter) : kind_(kind), wake_(wake), fed_(fed) {}

  // Waits until there is output to take, the exec has started (kPrompt only), interrupt(), credit
  // to send (if `wants_credit`), the end, or `deadline`. `arrived` is emptied and reused. `link` is
  // the one that this was added to; the waiting thread receives for all of it.
  void wait(AgentLink& link, Arrived& arrived, Clock::time_point deadline, bool wants_credit);
  // Makes the waiting thread return.
  void interrupt(AgentLink& link);

  // Lets the agent send that much more; the Credit frame is the caller's to send.
  void widen_window(std::uint32_t size_bytes);
  // Takes credit for up to `wanted` bytes of kData: what is there now, maybe 0.
  std::size_t take_credit(std::size_t wanted);
  // Waits for credit; 0: the call has ended or the deadline has passed.
  std::size_t wait_for_credit(std::size_t wanted, Clock::time_point deadline);
  bool ended();

 private:
  bool takes_any_thread() const override { return true; }
  Result<> on_frame(const wire::Frame& frame) override;
  void on_batch_end() override;
  void on_lost(const Error& error) override;
  Result<> accept_output(Channel channel, std::span<const std::byte> bytes);
  Result<> accept_end(Kind kind, End end);
  bool has_output() const { return kind_ == Kind::kExec || kind_ == Kind::kRepl; }
  bool has_news(bool wants_credit) const;

  const Kind kind_;
  const Wake wake_;
  const Fed fed_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  Arrived pending_;
  bool started_ = false;
  std::uint64_t window_bytes_ = wire::kInitialCreditBytes;
  std::uint64_t credit_bytes_ = wire::kInitialCreditBytes;
  bool ended_ = false;
  int credit_waiters_ = 0;
};

}  // namespace msb::engine
