// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/event_loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/sys.h"

namespace msb::isolation::warden {

namespace sys = base::sys;

Result<EventLoop> EventLoop::create() {
  base::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return std::unexpected(sys::error("epoll_create1"));
  }
  return EventLoop(std::move(epoll));
}

Result<EventLoop::Watch> EventLoop::watch(int fd, Handler handler) {
  const Watch watch = ++last_watch_;
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = watch;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    return std::unexpected(sys::error("epoll_ctl"));
  }
  handlers_.emplace(watch, std::move(handler));
  return watch;
}

void EventLoop::remove(int fd, Watch& watch) {
  if (watch != 0) {
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    handlers_.erase(watch);
    watch = 0;
  }
}

void EventLoop::after(std::chrono::milliseconds delay, Handler handler) {
  timers_.emplace(Clock::now() + delay, std::move(handler));
}

int EventLoop::next_timeout_ms() const {
  if (timers_.empty()) {
    return -1;
  }
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void EventLoop::run_timers() {
  while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
    const auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

Result<> EventLoop::run() {
  running_ = true;
  std::array<epoll_event, 64> events{};
  while (running_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                   next_timeout_ms());
    if (count < 0 && errno != EINTR) {
      return std::unexpected(sys::error("epoll_wait"));
    }
    for (int i = 0; i < count && running_; ++i) {
      // Gone, if an earlier handler of this round removed it.
      const std::uint64_t watch = events[static_cast<std::size_t>(i)].data.u64;  // packed: a copy
      const auto found = handlers_.find(watch);
      if (found != handlers_.end()) {
        // A copy: the handler may remove itself.
        const Handler handler = found->second;
        handler();
      }
    }
    run_timers();
  }
  return {};
}

}  // namespace msb::isolation::warden
