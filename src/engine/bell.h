// SPDX-License-Identifier: Apache-2.0
//
// Wakes a thread that waits for a descriptor, where a condition variable cannot: each thread has
// one that it waits for, too.
#pragma once

#include <chrono>
#include <memory>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::engine {

class Bell {
 public:
  enum class Woken { kReadable, kRung, kNotYet };

  // The calling thread's own, made when first asked for. Ends with the thread.
  static Result<Bell*> of_this_thread();

  // From any thread, at any time while the bell is there.
  void ring() const;
  // Waits, in the bell's own thread, until `fd` can be read (or has ended), ring(), or `deadline`.
  Woken wait_for(int fd, std::chrono::steady_clock::time_point deadline) const;

 private:
  explicit Bell(base::UniqueFd eventfd) : eventfd_(std::move(eventfd)) {}
  base::UniqueFd eventfd_;
};

}  // namespace msb::engine
