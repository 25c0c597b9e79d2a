// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::image {

// A lock between programs, and between the threads of one: flock on a file of its own, gone with
// its holder however that ends. The file may be removed by whoever holds it exclusively.
class FileLock {
 public:
  enum class Mode { kShared, kExclusive };

  // Waits; kCancelled when `stop` is requested.
  static Result<FileLock> acquire(const std::string& path, Mode mode, std::stop_token stop = {});
  // Nothing: somebody holds it in a way that excludes `mode`.
  static Result<std::optional<FileLock>> try_acquire(const std::string& path, Mode mode);
  // Does anybody hold it, in any way? A file that is not there is not held.
  static bool is_held(const std::string& path);

  // The descriptor that holds the lock, for an owner of another kind.
  std::shared_ptr<base::UniqueFd> share() && {
    return std::make_shared<base::UniqueFd>(std::move(file_));
  }

 private:
  explicit FileLock(base::UniqueFd file) : file_(std::move(file)) {}
  base::UniqueFd file_;
};

}  // namespace msb::image
