// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::engine {

// The output of a sandbox's background command: `log` in its folder, and the one before it in
// `log.old`. Each is at most kMaxLogBytes, whatever the guest writes. Thread-safe.
class SandboxLog {
 public:
  static constexpr std::size_t kMaxLogBytes = 10 << 20;

  explicit SandboxLog(const std::string& folder) : path_(folder + "/log") {}

  Result<> append(std::string_view bytes);
  // The last `max_bytes` that were written; empty if nothing ever was.
  Result<std::string> tail(std::size_t max_bytes) const;

 private:
  Result<> open();

  const std::string path_;
  mutable std::mutex mutex_;  // guards what follows
  base::UniqueFd file_;
  std::size_t size_bytes_ = 0;
};

}  // namespace msb::engine
