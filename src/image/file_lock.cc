// SPDX-License-Identifier: Apache-2.0
#include "image/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "base/sys.h"

namespace msb::image {
namespace {

namespace sys = base::sys;

// flock has no wait that can be given up.
constexpr std::chrono::milliseconds kRetryInterval{20};

// The file may have been removed between open and flock; then the lock is on nothing others see.
bool is_still_at(int fd, const std::string& path) {
  struct stat open_file{};
  struct stat named_file{};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named_file) == 0 &&
         open_file.st_ino == named_file.st_ino && open_file.st_dev == named_file.st_dev;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_acquire(const std::string& path, Mode mode) {
  for (;;) {
    base::UniqueFd file = TRY(sys::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    const int operation = (mode == Mode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB;
    while (::flock(file.get(), operation) < 0) {
      if (errno == EWOULDBLOCK) {
        return std::nullopt;
      }
      if (errno != EINTR) {
        return std::unexpected(sys::error("flock", path));
      }
    }
    if (is_still_at(file.get(), path)) {
      return FileLock(std::move(file));
    }
  }
}

bool FileLock::is_held(const std::string& path) {
  const auto file = sys::open(path, O_RDWR | O_NOFOLLOW);
  return file && ::flock(file->get(), LOCK_EX | LOCK_NB) < 0;
}

Result<FileLock> FileLock::acquire(const std::string& path, Mode mode, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  for (;;) {
    if (auto lock = TRY(try_acquire(path, mode))) {
      return std::move(*lock);
    }
    std::unique_lock guard(mutex);
    stopped.wait_for(guard, stop, kRetryInterval, [&] { return stop.stop_requested(); });
    if (stop.stop_requested()) {
      return fail(ErrorCode::kCancelled, "cancelled while waiting for another program's pull");
    }
  }
}

}  // namespace msb::image
