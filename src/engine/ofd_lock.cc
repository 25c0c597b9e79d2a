// SPDX-License-Identifier: Apache-2.0
#include "engine/ofd_lock.h"

#include <fcntl.h>

#include <cerrno>

#include "base/sys.h"

namespace msb::engine {
namespace {

constexpr int kMaxAttempts = 100;

struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

Result<std::optional<base::UniqueFd>> try_lock_file(const std::string& path) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    base::UniqueFd file = TRY(base::sys::open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
    struct flock lock = whole_file();
    if (::fcntl(file.get(), F_OFD_SETLK, &lock) < 0) {
      if (errno == EAGAIN || errno == EACCES) {
        return std::nullopt;
      }
      return std::unexpected(base::sys::error("fcntl(F_OFD_SETLK)", path));
    }
    const struct stat mine = TRY(base::sys::fstat(file.get()));
    const auto there = base::sys::stat(path);
    if (there && there->st_ino == mine.st_ino && there->st_dev == mine.st_dev) {
      return file;
    }
    // Removed between open and lock: what we hold means nothing.
  }
  return fail(ErrorCode::kConflict, "lock(" + path + "): it is replaced all the time");
}

bool is_locked(const std::string& path) {
  const auto file = base::sys::open(path, O_RDWR | O_NOFOLLOW);
  if (!file) {
    return false;
  }
  struct flock lock = whole_file();
  return ::fcntl(file->get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace msb::engine
