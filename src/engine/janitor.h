// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/try.h"

namespace msb::engine {

// A thread for work that nobody waits for and that may block: burying sandboxes that died by
// themselves, sweeping after dead engines. In order of arrival.
class Janitor {
 public:
  static Result<std::unique_ptr<Janitor>> create();
  Janitor(const Janitor&) = delete;
  Janitor& operator=(const Janitor&) = delete;
  // Finishes what was given.
  ~Janitor();

  void post(std::function<void()> task);

 private:
  Janitor() = default;
  void run();

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace msb::engine
