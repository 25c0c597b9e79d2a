// SPDX-License-Identifier: Apache-2.0
#include "watchdog.h"

#include <condition_variable>
#include <utility>

namespace msb::soak {

Watchdog::Watchdog(std::chrono::seconds patience,
                   std::function<void(const std::string& call)> on_hang)
    : patience_(patience), on_hang_(std::move(on_hang)) {
  if (patience_.count() > 0) {
    thread_ = std::jthread([this](const std::stop_token& stop) { look(stop); });
  }
}

Watchdog::Entry::Entry(Watchdog& dog, const std::string& call) : dog_(dog) {
  const std::lock_guard lock(dog_.mutex_);
  number_ = dog_.next_++;
  dog_.calls_.emplace(number_, std::pair(Clock::now(), call));
}

Watchdog::Entry::~Entry() {
  const std::lock_guard lock(dog_.mutex_);
  dog_.calls_.erase(number_);
}

void Watchdog::look(const std::stop_token& stop) {
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex_);
  while (!stopped.wait_for(lock, stop, std::chrono::seconds(1), [] { return false; })) {
    if (stop.stop_requested()) {
      return;
    }
    for (const auto& [number, call] : calls_) {
      if (Clock::now() - call.first > patience_) {
        const std::string name = call.second;
        lock.unlock();
        on_hang_(name);
        return;
      }
    }
  }
}

}  // namespace msb::soak
