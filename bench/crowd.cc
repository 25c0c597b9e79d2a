// SPDX-License-Identifier: Apache-2.0
#include "bench/crowd.h"

#include <latch>
#include <mutex>
#include <optional>
#include <thread>

#include "bench/contest.h"

namespace msb::bench {

Result<std::vector<double>> all_at_once(int count, const std::function<Result<>(int)>& work) {
  std::latch ready(count + 1);
  std::mutex mutex;
  std::vector<double> took_ms;
  std::optional<Error> error;
  const auto one = [&](int number) {
    ready.arrive_and_wait();
    const auto begin = std::chrono::steady_clock::now();
    const auto done = work(number);
    const double ms = milliseconds_since(begin);
    const std::scoped_lock lock(mutex);
    if (done) {
      took_ms.push_back(ms);
    } else if (!error) {
      error = done.error();
    }
  };
  {
    std::vector<std::jthread> threads;
    threads.reserve(static_cast<std::size_t>(count));
    for (int number = 0; number < count; ++number) {
      threads.emplace_back(one, number);
    }
    ready.arrive_and_wait();
  }
  if (error) {
    return std::unexpected(*std::move(error));
  }
  return took_ms;
}

}  // namespace msb::bench
