// SPDX-License-Identifier: Apache-2.0
#include "image/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/thread.h"

namespace msb::image {

Result<> run_parallel(std::size_t count, std::size_t max_threads, std::stop_token stop,
                      const std::function<Result<>(std::size_t, std::stop_token)>& job) {
  std::stop_source ending;
  const std::stop_callback forward(stop, [&ending] { ending.request_stop(); });
  std::atomic<std::size_t> next = 0;
  std::mutex mutex;
  std::optional<Error> first_error;
  const auto work = [&] {
    for (std::size_t at = next++; at < count && !ending.stop_requested(); at = next++) {
      if (const auto done = job(at, ending.get_token()); !done) {
        const std::lock_guard guard(mutex);
        if (!first_error) {
          first_error = done.error();
        }
        ending.request_stop();
      }
    }
  };
  {
    std::vector<std::thread> threads;
    for (std::size_t i = 1; i < std::min(count, max_threads); ++i) {
      if (auto thread = base::start_thread(work)) {
        threads.push_back(*std::move(thread));
      }
    }
    work();
    for (std::thread& thread : threads) {
      thread.join();
    }
  }
  if (first_error) {
    return std::unexpected(*first_error);
  }
  if (stop.stop_requested()) {
    return fail(ErrorCode::kCancelled, "cancelled");
  }
  return {};
}

}  // namespace msb::image
