// SPDX-License-Identifier: Apache-2.0
#include "base/unique_fd.h"

#include <unistd.h>

#include <cerrno>

namespace msb::base {

void UniqueFd::reset(int fd) noexcept {
  if (fd_ >= 0) {
    const int saved_errno = errno;
    // Never retried on EINTR: Linux has released the number by then.
    ::close(fd_);
    errno = saved_errno;
  }
  fd_ = fd;
}

}  // namespace msb::base
