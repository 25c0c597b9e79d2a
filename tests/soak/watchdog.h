// SPDX-License-Identifier: Apache-2.0
//
// Every call of a soak is watched. One that does not return cannot be taken back, so the soak ends
// there, with its table and the call's name.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace msb::soak {

class Watchdog {
 public:
  using Clock = std::chrono::steady_clock;

  // `on_hang` is called once, from a thread of its own. No patience: nobody watches.
  Watchdog(std::chrono::seconds patience, std::function<void(const std::string& call)> on_hang);

  // Calls `body`, and barks if that takes too long.
  template <typename Body>
  auto watch(const std::string& call, Body&& body) {
    const Entry entry(*this, call);
    return std::forward<Body>(body)();
  }

 private:
  class Entry {
   public:
    Entry(Watchdog& dog, const std::string& call);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();

   private:
    Watchdog& dog_;
    std::uint64_t number_ = 0;
  };

  void look(const std::stop_token& stop);

  const std::chrono::seconds patience_;
  const std::function<void(const std::string&)> on_hang_;
  std::mutex mutex_;  // guards what follows
  std::map<std::uint64_t, std::pair<Clock::time_point, std::string>> calls_;
  std::uint64_t next_ = 0;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace msb::soak
