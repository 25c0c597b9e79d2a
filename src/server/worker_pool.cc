// SPDX-License-Identifier: Apache-2.0
#include "server/worker_pool.h"

#include <signal.h>

#include <system_error>
#include <utility>

namespace msb::server {

WorkerPool::WorkerPool(std::size_t max_threads, std::size_t max_waiting)
    : max_threads_(max_threads), max_waiting_(max_waiting) {}

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

bool WorkerPool::try_post(Task&& task) {
  const std::lock_guard lock(mutex_);
  if (tasks_.size() >= idle_ && threads_.size() < max_threads_) {
    // Signals belong to the thread that waits for them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      threads_.emplace_back([this] { work(); });
      ++idle_;
    } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
      // The host gives no more threads; the task waits for one of those that there are.
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  if (threads_.empty() || tasks_.size() >= idle_ + max_waiting_) {
    return false;
  }
  tasks_.push_back(std::move(task));
  changed_.notify_one();
  return true;
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return !tasks_.empty() || closing_; });
    if (tasks_.empty()) {
      return;
    }
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    --idle_;
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
    ++idle_;
  }
}

}  // namespace msb::server
