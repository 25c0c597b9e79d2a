// SPDX-License-Identifier: Apache-2.0
//
// Pipes whose run is over while background children still hold the other end. They are read and
// thrown away, so that a server started in the background neither blocks nor dies of SIGPIPE.
#pragma once

#include <cstddef>
#include <list>

#include "agent/event_loop.h"
#include "base/unique_fd.h"

namespace msb::agent {

class Discard {
 public:
  // Beyond this many the oldest is closed.
  static constexpr std::size_t kMaxPipes = 256;

  explicit Discard(EventLoop& loop) : loop_(loop) {}
  // Takes a readable descriptor, non-blocking, or an empty one (which is nothing to do).
  void add(base::UniqueFd fd);
  std::size_t size() const { return pipes_.size(); }

 private:
  struct Pipe {
    base::UniqueFd fd;
    EventLoop::Watch watch;
  };
  void read(std::list<Pipe>::iterator pipe);

  EventLoop& loop_;
  std::list<Pipe> pipes_;
};

}  // namespace msb::agent
