// SPDX-License-Identifier: Apache-2.0
//
// What a process writes (or a connection receives), on its way to the host.
//
//   live --end of file, error--> ended
//   live --settle()--> tail (the bytes that were in the pipe, in memory) --sent--> ended
//
// A lane settles when the process behind it has ended: everything the process wrote is in the pipe
// by then, so taking exactly that much loses nothing and waits for nobody, however many background
// children still hold the other end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "agent/event_loop.h"
#include "agent/host_link.h"
#include "agent/stream.h"
#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::agent {

// The largest pipe an unprivileged process can make; no tail is longer.
inline constexpr std::size_t kMaxTailBytes = 1024 * 1024;

class OutputLane final : public DataLane {
 public:
  // Sends what `fd` (made non-blocking) has as frames of `type`, against the credit of `stream`,
  // which outlives the lane. `on_end` is called once, after the last byte was handed to the link.
  static Result<std::unique_ptr<OutputLane>> create(EventLoop& loop, HostLink& link, Stream& stream,
                                                    wire::FrameType type, base::UniqueFd fd,
                                                    std::function<void()> on_end);
  ~OutputLane() override;

  // The stream's credit has grown.
  void resume();
  // Takes what is there now as all there will be, and gives the descriptor back (nothing if it is
  // at its end). on_end is not called from here: ask ended().
  base::UniqueFd settle();
  // Gives up what is not sent yet; returns how much that was. Only after settle().
  std::size_t drop();
  bool ended() const { return ended_; }
  // Why a live lane ended: 0 for end of file.
  int end_errno() const { return end_errno_; }

  std::uint32_t stream() const override { return stream_.id(); }
  wire::FrameType frame_type() const override { return type_; }
  Pull pull(std::span<std::byte> buffer) override;
  void pulled() override;

 private:
  OutputLane(HostLink& link, Stream& stream, wire::FrameType type, base::UniqueFd fd,
             std::function<void()> on_end);
  std::size_t pull_live(std::span<std::byte> buffer);
  std::size_t pull_tail(std::span<std::byte> buffer);
  bool has_more() const;

  HostLink& link_;
  Stream& stream_;
  const wire::FrameType type_;
  base::UniqueFd fd_;
  EventLoop::Watch watch_;
  std::function<void()> on_end_;
  bool readable_ = true;
  bool hung_up_ = false;  // end of file comes after what is in the pipe, without another event
  bool grown_ = false;
  bool ended_ = false;
  bool end_told_ = false;
  int end_errno_ = 0;
  std::vector<std::byte> tail_;
  std::size_t tail_sent_ = 0;
};

}  // namespace msb::agent
