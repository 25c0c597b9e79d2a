// SPDX-License-Identifier: Apache-2.0
#include "engine/janitor.h"

#include <utility>

#include "base/thread.h"

namespace msb::engine {

Result<std::unique_ptr<Janitor>> Janitor::create() {
  std::unique_ptr<Janitor> janitor(new Janitor);
  janitor->thread_ = TRY(base::start_thread([raw = janitor.get()] { raw->run(); }));
  return janitor;
}

Janitor::~Janitor() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Janitor::post(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void Janitor::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) {
      return;
    }
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

}  // namespace msb::engine
