// SPDX-License-Identifier: Apache-2.0
//
// Bytes from the host on their way to a process's stdin or to a connection. What the descriptor
// does not take at once waits in memory; that is never more than the credit the host was granted,
// because credit is given back only for bytes that have gone on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "agent/event_loop.h"
#include "agent/host_link.h"
#include "agent/stream.h"
#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::agent {

class InputLane {
 public:
  // Writes to `fd` (made non-blocking). `stream` outlives the lane. `on_end` is called once when
  // everything before end() is written, or when nobody reads the descriptor any more.
  static Result<std::unique_ptr<InputLane>> create(EventLoop& loop, HostLink& link, Stream& stream,
                                                   base::UniqueFd fd, std::function<void()> on_end);

  void write(std::span<const std::byte> bytes);
  // No more writes will come.
  void end();
  int fd() const { return fd_.get(); }

 private:
  InputLane(HostLink& link, Stream& stream, base::UniqueFd fd, std::function<void()> on_end);
  // Writes as much as the descriptor takes; returns how much is done with.
  std::size_t push(std::span<const std::byte> bytes);
  void flush();
  void give_back(std::size_t size);

  HostLink& link_;
  Stream& stream_;
  base::UniqueFd fd_;
  EventLoop::Watch watch_;
  std::function<void()> on_end_;
  std::vector<std::byte> waiting_;
  std::size_t waiting_begin_ = 0;
  std::size_t to_give_back_ = 0;
  bool writable_ = true;
  bool unread_ = false;  // nobody reads; bytes are dropped, so that the host can finish
  bool ending_ = false;
  bool end_told_ = false;
};

}  // namespace msb::agent
