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
//
// Most processes end before they have filled a pipe. So a lane may begin unattended, for as long as
// its owner has patience: its output then leaves together with the report of the end, and the agent
// is woken once, not three times. A lane that has output all the time is in bulk: it is looked at
// now and then, not at each write.
#pragma once

#include <chrono>
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
// How long what is printed may wait for the end. None: attended at once (a terminal, a connection).
inline constexpr std::chrono::milliseconds kNoPatience{0};
inline constexpr std::chrono::milliseconds kPatience{1};
// Where all takes some 20 times as long.
inline constexpr std::chrono::milliseconds kEmulatedPatience{20};
// And how often one in bulk is looked at. At 1 GiB/s a grown pipe is half full by then.
inline constexpr std::chrono::microseconds kBulkPause{100};
// Of more than this the pages are moved, and not the bytes.
inline constexpr std::size_t kMinMoveBytes = 32 * 1024;

std::chrono::milliseconds usual_patience();

class OutputLane final : public DataLane {
 public:
  // Sends what `fd` (made non-blocking) has as frames of `type`, against the credit of `stream`,
  // which outlives the lane. `on_end` is called once, after the last byte was handed to the link.
  // The lane waits for its end, and who fills the pipe with it, before it looks for output: for as
  // long as its owner has `patience`.
  static Result<std::unique_ptr<OutputLane>> create(EventLoop& loop, HostLink& link, Stream& stream,
                                                    wire::FrameType type, base::UniqueFd fd,
                                                    std::chrono::milliseconds patience,
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
  bool moves_pages() const override { return fd_ && is_bulk_ && last_size_ >= kMinMoveBytes; }
  Pull move(int pipe, std::size_t size) override;
  void pulled() override;

 private:
  enum class Tail { kMore, kEmptyNow, kAtEnd };

  OutputLane(EventLoop& loop, HostLink& link, Stream& stream, wire::FrameType type,
             base::UniqueFd fd, std::function<void()> on_end);
  Result<> attend();
  void attend_in(std::chrono::milliseconds delay);
  void end(int reason);
  Pull taken(std::size_t size);
  Tail take_tail(int fd, std::size_t size);
  void grow_pipe();
  bool is_frequent();
  void pause();
  void found_empty();
  std::size_t pull_live(std::span<std::byte> buffer);
  std::size_t pull_tail(std::span<std::byte> buffer);
  bool has_more() const;

  EventLoop& loop_;
  HostLink& link_;
  Stream& stream_;
  const wire::FrameType type_;
  base::UniqueFd fd_;
  base::UniqueFd spent_;  // at its end; closed with the lane, when the report is on its way
  EventLoop::Watch watch_;
  EventLoop::Timer timer_;
  std::function<void()> on_end_;
  bool readable_ = false;
  bool may_be_bulk_ = false;
  bool is_bulk_ = false;
  bool is_grown_ = false;
  std::size_t last_size_ = 0;
  EventLoop::Clock::time_point last_taken_;
  unsigned in_quick_succession_ = 0;
  unsigned found_empty_ = 0;
  bool ended_ = false;
  bool end_told_ = false;
  int end_errno_ = 0;
  std::vector<std::byte> tail_;
  std::size_t tail_sent_ = 0;
};

}  // namespace msb::agent
