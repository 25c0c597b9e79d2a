// SPDX-License-Identifier: Apache-2.0
#include "engine/io_loop.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <future>
#include <utility>

#include "base/check.h"
#include "base/sys.h"
#include "base/thread.h"

namespace msb::engine {
namespace {

constexpr IoLoop::Token kWakeupToken = 0;
constexpr int kMaxEventsPerWait = 64;

epoll_event event_for(IoLoop::Token token, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  return event;
}

void ring(int eventfd) {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake anyway.
  [[maybe_unused]] const auto rung = base::sys::write(eventfd, std::as_bytes(std::span(&one, 1)));
}

}  // namespace

IoLoop::IoLoop(base::UniqueFd epoll, base::UniqueFd wakeup)
    : epoll_(std::move(epoll)), wakeup_(std::move(wakeup)) {}

Result<std::unique_ptr<IoLoop>> IoLoop::start() {
  base::UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) {
    return std::unexpected(base::sys::error("epoll_create1"));
  }
  base::UniqueFd wakeup = TRY(base::sys::eventfd(0, O_NONBLOCK));
  epoll_event event = event_for(kWakeupToken, EPOLLIN);
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &event) < 0) {
    return std::unexpected(base::sys::error("epoll_ctl"));
  }
  std::unique_ptr<IoLoop> loop(new IoLoop(std::move(epoll), std::move(wakeup)));
  loop->thread_ = TRY(base::start_thread([raw = loop.get()] { raw->run(); }));
  return loop;
}

IoLoop::~IoLoop() {
  if (!thread_.joinable()) {
    return;  // it was never begun
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ring(wakeup_.get());
  thread_.join();
}

Result<IoLoop::Token> IoLoop::add(int fd, std::uint32_t events,
                                  std::shared_ptr<IoHandler> handler) {
  Token token = 0;
  {
    const std::lock_guard lock(mutex_);
    token = next_token_++;
    handlers_.emplace(token, std::move(handler));
  }
  epoll_event event = event_for(token, events);
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) < 0) {
    Error error = base::sys::error("epoll_ctl");
    const std::lock_guard lock(mutex_);
    handlers_.erase(token);
    return std::unexpected(std::move(error));
  }
  return token;
}

void IoLoop::change(Token token, int fd, std::uint32_t events) {
  epoll_event event = event_for(token, events);
  // ENOENT: removed by another thread in the meantime.
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void IoLoop::remove(Token token, int fd) {
  std::shared_ptr<IoHandler> last;  // destroyed after the lock is released
  const std::lock_guard lock(mutex_);
  const auto found = handlers_.find(token);
  if (found == handlers_.end()) {
    return;
  }
  last = std::move(found->second);
  handlers_.erase(found);
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void IoLoop::run_inside(const std::function<void()>& task) {
  if (std::this_thread::get_id() == thread_.get_id()) {
    task();
    return;
  }
  // Shared, because set_value() may still be inside the promise when the waiter goes on.
  const auto done = std::make_shared<std::promise<void>>();
  const std::future<void> finished = done->get_future();
  {
    const std::lock_guard lock(mutex_);
    MSB_CHECK(!stopping_);
    tasks_.emplace_back([&task, done] {
      task();
      done->set_value();
    });
  }
  ring(wakeup_.get());
  finished.wait();
}

void IoLoop::run_tasks() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto read =
      base::sys::read(wakeup_.get(), std::as_writable_bytes(std::span(&count, 1)));
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) {
    task();
  }
}

void IoLoop::run() {
  std::array<epoll_event, kMaxEventsPerWait> events;
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), kMaxEventsPerWait, -1);
    const bool failed = count < 0 && errno != EINTR;
    MSB_CHECK(!failed);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      const std::uint64_t token = event.data.u64;  // a copy: the kernel's struct is packed
      if (token == kWakeupToken) {
        run_tasks();
        continue;
      }
      std::shared_ptr<IoHandler> handler;
      {
        const std::lock_guard lock(mutex_);
        if (const auto found = handlers_.find(token); found != handlers_.end()) {
          handler = found->second;
        }
      }
      if (handler) {
        handler->on_ready(event.events);
      }
    }
    const std::lock_guard lock(mutex_);
    if (stopping_ && tasks_.empty()) {
      return;
    }
  }
}

}  // namespace msb::engine
