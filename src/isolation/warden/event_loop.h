// SPDX-License-Identifier: Apache-2.0
//
// epoll and timers for one thread. A handler may add and remove watches, its own included.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <unordered_map>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::warden {

class EventLoop {
 public:
  using Handler = std::function<void()>;
  using Watch = std::uint64_t;  // 0: none

  static Result<EventLoop> create();

  // Calls `handler` whenever `fd` is readable or hung up, until it is removed. `fd` must stay open
  // until then.
  Result<Watch> watch(int fd, Handler handler);
  void remove(int fd, Watch& watch);

  // Calls `handler` once, from the loop.
  void after(std::chrono::milliseconds delay, Handler handler);

  // Until stop().
  Result<> run();
  void stop() { running_ = false; }

 private:
  using Clock = std::chrono::steady_clock;

  explicit EventLoop(base::UniqueFd epoll) : epoll_(std::move(epoll)) {}
  int next_timeout_ms() const;
  void run_timers();

  base::UniqueFd epoll_;
  std::unordered_map<Watch, Handler> handlers_;
  std::multimap<Clock::time_point, Handler> timers_;
  Watch last_watch_ = 0;
  bool running_ = false;
};

}  // namespace msb::isolation::warden
