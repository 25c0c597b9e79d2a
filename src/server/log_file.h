// SPDX-License-Identifier: Apache-2.0
//
// The log of a server without a terminal: $MSB_HOME/server.log. When it is full it becomes
// server.log.old, in place of the one before, so two of them are all there ever is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::server {

inline constexpr std::size_t kMaxLogFileBytes = std::size_t{10} << 20;

class LogFile {
 public:
  // Goes on where the last server ended.
  static Result<LogFile> open(std::string path, std::size_t max_bytes = kMaxLogFileBytes);

  // From now on stdout and stderr are this file, across rotations too: what a library or the
  // kernel's last words write there is not lost.
  Result<> take_standard_streams();
  // One line, without its newline. From one thread. A log that cannot be written is no reason to
  // fail.
  void write(std::string_view line);

 private:
  LogFile(std::string path, base::UniqueFd file, std::size_t size_bytes, std::size_t max_bytes)
      : path_(std::move(path)),
        file_(std::move(file)),
        size_bytes_(size_bytes),
        max_bytes_(max_bytes) {}
  Result<> rotate();

  std::string path_;
  base::UniqueFd file_;
  std::size_t size_bytes_;
  std::size_t max_bytes_;
  bool has_streams_ = false;
};

}  // namespace msb::server
