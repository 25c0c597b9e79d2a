// SPDX-License-Identifier: Apache-2.0
//
// Threads for calls that block. They are made when there is work for them, up to a limit; beyond it
// tasks wait in a bounded queue, and beyond that they are refused.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace msb::server {

class WorkerPool {
 public:
  using Task = std::move_only_function<void()>;

  WorkerPool(std::size_t max_threads, std::size_t max_waiting);
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  // Runs what waits, then joins.
  ~WorkerPool();

  // False: there is no room, and the task was not taken.
  [[nodiscard]] bool try_post(Task&& task);

 private:
  void work();

  const std::size_t max_threads_;
  const std::size_t max_waiting_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool closing_ = false;
};

}  // namespace msb::server
