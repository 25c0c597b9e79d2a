// SPDX-License-Identifier: Apache-2.0
//
// One at a time, in order of arrival. Runs of one language pass through one, so a run's time limit
// begins when the run does, and a run that is cancelled while it waits was never begun.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <utility>

namespace msb::engine {

class Turnstile {
 public:
  // Held while inside; leaving lets the next one in.
  class Turn {
   public:
    explicit Turn(Turnstile* owner) : owner_(owner) {}
    Turn(Turn&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (owner_ != nullptr) {
        owner_->leave();
      }
    }

   private:
    Turnstile* owner_;
  };

  // nullopt: `stop` was requested or the turnstile was closed before it was our turn.
  std::optional<Turn> enter(std::stop_token stop);
  // Nobody gets in any more.
  void close();

 private:
  void leave();

  std::mutex mutex_;  // guards what follows
  std::condition_variable_any moved_;
  std::deque<std::uint64_t> queue_;  // the front one is inside
  std::uint64_t next_ticket_ = 0;
  bool closed_ = false;
};

}  // namespace msb::engine
