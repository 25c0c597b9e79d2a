// SPDX-License-Identifier: Apache-2.0
#include "agent/event_loop.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>

#include "base/sys.h"

namespace msb::agent {
namespace {

constexpr std::size_t kEventsPerTurn = 64;

// Before Linux 5.11 time limits are rounded up to milliseconds: waking earlier would only spin.
int wait_until(int epoll, std::span<epoll_event> events, EventLoop::Clock::time_point deadline) {
  using std::chrono::nanoseconds;
  const nanoseconds left =
      std::max<nanoseconds>(deadline - EventLoop::Clock::now(), nanoseconds(0));
  const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
  const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (left - seconds).count()};
  const auto size = static_cast<int>(events.size());
  const auto count = static_cast<int>(
      ::syscall(SYS_epoll_pwait2, epoll, events.data(), size, &timeout, nullptr, 0));
  if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
    return count;
  }
  const auto rounded = std::chrono::ceil<std::chrono::milliseconds>(left).count();
  return ::epoll_wait(
      epoll, events.data(), size,
      static_cast<int>(std::min<std::int64_t>(rounded, std::numeric_limits<int>::max())));
}

}  // namespace

EventLoop::Watch& EventLoop::Watch::operator=(Watch&& other) noexcept {
  if (this != &other) {
    stop();
    loop_ = std::exchange(other.loop_, nullptr);
    slot_ = other.slot_;
  }
  return *this;
}

void EventLoop::Watch::stop() {
  if (EventLoop* loop = std::exchange(loop_, nullptr)) {
    loop->forget(slot_);
  }
}

void EventLoop::Watch::change(std::uint32_t events) {
  if (loop_ != nullptr) {
    // Cannot fail: what is changed is registered, and changing allocates nothing.
    loop_->control(EPOLL_CTL_MOD, slot_, loop_->slots_[slot_].fd, events);
  }
}

EventLoop::Timer& EventLoop::Timer::operator=(Timer&& other) noexcept {
  if (this != &other) {
    stop();
    loop_ = std::exchange(other.loop_, nullptr);
    deadline_ = other.deadline_;
  }
  return *this;
}

void EventLoop::Timer::stop() {
  if (EventLoop* loop = std::exchange(loop_, nullptr)) {
    loop->deadlines_.erase(deadline_);
  }
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
  base::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return std::unexpected(base::sys::error("epoll_create1"));
  }
  return std::unique_ptr<EventLoop>(new EventLoop(std::move(epoll)));
}

Result<EventLoop::Watch> EventLoop::watch(int fd, std::uint32_t events,
                                          std::function<void(std::uint32_t)> callback) {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  if (!control(EPOLL_CTL_ADD, slot, fd, events)) {
    Error error = base::sys::error("epoll_ctl");
    free_slots_.push_back(slot);
    return std::unexpected(std::move(error));
  }
  slots_[slot].fd = fd;
  slots_[slot].callback = std::move(callback);
  Watch watch;
  watch.loop_ = this;
  watch.slot_ = slot;
  return watch;
}

bool EventLoop::control(int operation, std::uint32_t slot, int fd, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = (std::uint64_t{slots_[slot].generation} << 32) | slot;
  return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0;
}

void EventLoop::forget(std::uint32_t slot) {
  Slot& place = slots_[slot];
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, place.fd, nullptr);
  place.fd = -1;
  ++place.generation;
  place.callback = nullptr;
  free_slots_.push_back(slot);
}

EventLoop::Timer EventLoop::after(std::chrono::microseconds delay, std::function<void()> callback) {
  Timer timer;
  timer.loop_ = this;
  timer.deadline_ = {Clock::now() + delay, ++timers_started_};
  deadlines_.emplace(timer.deadline_, std::move(callback));
  return timer;
}

int EventLoop::wait_for(std::span<epoll_event> events, Wait wait) const {
  if (wait == Wait::kForEvents && !deadlines_.empty()) {
    return wait_until(epoll_.get(), events, deadlines_.begin()->first.first);
  }
  return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                      wait == Wait::kForEvents ? -1 : 0);
}

void EventLoop::run_due_timers() {
  if (deadlines_.empty()) {
    return;
  }
  const Clock::time_point now = Clock::now();
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= now) {
    const auto due = deadlines_.extract(deadlines_.begin());
    due.mapped()();
  }
}

Result<> EventLoop::turn(Wait wait) {
  std::array<epoll_event, kEventsPerTurn> events;
  const int count = wait_for(events, wait);
  if (count < 0 && errno != EINTR) {
    return std::unexpected(base::sys::error("epoll_wait"));
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const auto slot = static_cast<std::uint32_t>(event.data.u64);
    const auto generation = static_cast<std::uint32_t>(event.data.u64 >> 32);
    if (slots_[slot].generation == generation && slots_[slot].callback) {
      // A copy: the callback may end its own watch, or add others, which moves the slots.
      const auto callback = slots_[slot].callback;
      callback(event.events);
    }
  }
  run_due_timers();
  return {};
}

}  // namespace msb::agent
