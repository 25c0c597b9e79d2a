// SPDX-License-Identifier: Apache-2.0
//
// The agent's one thread: epoll for descriptors, an ordered map for deadlines.
//
// Watches and timers are owned by whoever asked for them and end with their owner, also in the
// middle of a turn: an event already fetched for a watch that is gone is dropped, and a callback
// that destroys its own watch goes on safely.
#pragma once

#include <sys/epoll.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::agent {

// A time limit as it comes from a request. More than a year is cut to one.
inline std::chrono::milliseconds delay_of(std::uint64_t limit_ms) {
  constexpr std::chrono::milliseconds kMost = std::chrono::hours(24 * 365);
  return std::chrono::milliseconds(std::min<std::uint64_t>(limit_ms, kMost.count()));
}

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  // Ordered by time; the number keeps equal times apart.
  using Deadline = std::pair<Clock::time_point, std::uint64_t>;
  enum class Wait { kForEvents, kNot };

  // Ends the registration when destroyed; must go before the descriptor is closed.
  class Watch {
   public:
    Watch() = default;
    Watch(Watch&& other) noexcept { *this = std::move(other); }
    Watch& operator=(Watch&& other) noexcept;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { stop(); }
    void stop();
    // Other events from now on. What is ready at this moment is an event, with EPOLLET too.
    void change(std::uint32_t events);

   private:
    friend class EventLoop;
    EventLoop* loop_ = nullptr;
    std::uint32_t slot_ = 0;
  };

  class Timer {
   public:
    Timer() = default;
    Timer(Timer&& other) noexcept { *this = std::move(other); }
    Timer& operator=(Timer&& other) noexcept;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer() { stop(); }
    void stop();

   private:
    friend class EventLoop;
    EventLoop* loop_ = nullptr;
    Deadline deadline_;
  };

  static Result<std::unique_ptr<EventLoop>> create();

  // `events` are epoll bits. With EPOLLET the callback's owner remembers readiness until a call
  // says EAGAIN.
  Result<Watch> watch(int fd, std::uint32_t events, std::function<void(std::uint32_t)> callback);
  // Calls back once.
  Timer after(std::chrono::microseconds delay, std::function<void()> callback);

  // Waits (or not) for events, then runs what is due.
  Result<> turn(Wait wait);

 private:
  struct Slot {
    int fd = -1;
    std::uint32_t generation = 0;
    std::function<void(std::uint32_t)> callback;
  };

  explicit EventLoop(base::UniqueFd epoll) : epoll_(std::move(epoll)) {}
  bool control(int operation, std::uint32_t slot, int fd, std::uint32_t events);
  void forget(std::uint32_t slot);
  int wait_for(std::span<epoll_event> events, Wait wait) const;
  void run_due_timers();

  base::UniqueFd epoll_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::map<Deadline, std::function<void()>> deadlines_;
  std::uint64_t timers_started_ = 0;
};

}  // namespace msb::agent
