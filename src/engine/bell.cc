// SPDX-License-Identifier: Apache-2.0
#include "engine/bell.h"

#include <fcntl.h>
#include <poll.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "base/sys.h"

namespace msb::engine {
Result<Bell*> Bell::of_this_thread() {
  thread_local std::optional<Bell> bell;
  if (!bell) {
    bell = Bell(TRY(base::sys::eventfd(0, O_NONBLOCK)));
  }
  return &*bell;
}

void Bell::ring() const {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then it has rung.
  [[maybe_unused]] const auto rung =
      base::sys::write(eventfd_.get(), std::as_bytes(std::span(&one, 1)));
}

Bell::Woken Bell::wait_for(int fd, std::chrono::steady_clock::time_point deadline) const {
  std::array<pollfd, 2> entries{pollfd{fd, POLLIN, 0}, pollfd{eventfd_.get(), POLLIN, 0}};
  if (::poll(entries.data(), entries.size(), base::sys::milliseconds_until(deadline)) <= 0) {
    return Woken::kNotYet;
  }
  if (entries[1].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto read =
        base::sys::read(eventfd_.get(), std::as_writable_bytes(std::span(&count, 1)));
  }
  return entries[0].revents != 0 ? Woken::kReadable : Woken::kRung;
}

}  // namespace msb::engine
