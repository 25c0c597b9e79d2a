// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "image/store.h"

namespace msb::image {

// Hands progress of several threads to one callback, one call at a time.
class ProgressReporter {
 public:
  explicit ProgressReporter(ProgressCallback callback) : callback_(std::move(callback)) {}

  void report(Progress::Stage stage, const std::string& item = {}, std::uint64_t done_bytes = 0,
              std::uint64_t total_bytes = 0) {
    if (callback_) {
      const std::lock_guard guard(mutex_);
      callback_({stage, item, done_bytes, total_bytes});
    }
  }

 private:
  std::mutex mutex_;
  ProgressCallback callback_;
};

}  // namespace msb::image
