// SPDX-License-Identifier: Apache-2.0
#include "engine/full_home.h"

#include <sys/statvfs.h>

#include <cstdint>
#include <utility>

namespace msb::engine {
namespace {

// Less than a fresh sandbox takes.
constexpr std::uint64_t kFullHomeBytes = 256 << 10;

bool is_full(const std::string& folder) {
  struct statvfs status{};
  if (::statvfs(folder.c_str(), &status) < 0 || status.f_blocks == 0) {
    return false;
  }
  const bool no_files = status.f_files > 0 && status.f_favail == 0;
  return no_files || std::uint64_t{status.f_bavail} * status.f_frsize < kFullHomeBytes;
}

}  // namespace

Error explain_full_home(Error error, const std::string& home) {
  const ErrorCode cause = error.cause();
  if (cause != ErrorCode::kDiskFull && cause != ErrorCode::kIo && cause != ErrorCode::kCorrupt) {
    return error;
  }
  if (!is_full(home)) {
    return error;
  }
  return std::move(error).wrap(ErrorCode::kDiskFull,
                               home +
                                   " is full; remove sandboxes (msb rm) or images (msb image rm), "
                                   "or choose another folder with MSB_HOME");
}

}  // namespace msb::engine
