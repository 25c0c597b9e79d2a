// SPDX-License-Identifier: Apache-2.0
#include "agent/discard.h"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <utility>

#include "base/sys.h"

namespace msb::agent {

void Discard::add(base::UniqueFd fd) {
  if (!fd) {
    return;
  }
  if (pipes_.size() == kMaxPipes) {
    pipes_.pop_front();
  }
  const auto pipe = pipes_.insert(pipes_.end(), Pipe{std::move(fd), {}});
  // Level-triggered: one read a turn, so that a chatty child cannot keep the loop.
  auto watch = loop_.watch(pipe->fd.get(), EPOLLIN, [this, pipe](std::uint32_t) { read(pipe); });
  if (!watch) {
    pipes_.erase(pipe);
    return;
  }
  pipe->watch = *std::move(watch);
}

void Discard::read(std::list<Pipe>::iterator pipe) {
  std::array<std::byte, 16 * 1024> buffer;
  const auto size = base::sys::read(pipe->fd.get(), buffer);
  const bool at_end = size ? *size == 0 : size.error().sys_errno() != EAGAIN;
  if (at_end) {
    pipes_.erase(pipe);
  }
}

}  // namespace msb::agent
