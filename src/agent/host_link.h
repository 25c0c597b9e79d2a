// SPDX-License-Identifier: Apache-2.0
//
// The byte stream to the host: frames in, frames out, never blocking.
//
// Outgoing control frames are queued (they are small, and reading from the host stops while too
// many wait). Outgoing data is never queued: a DataLane that has bytes stands in a ring, and when
// the stream takes more, the lane whose turn it is reads from its pipe straight into the one frame
// buffer. So memory does not grow with output, lanes share the stream frame by frame, and a control
// frame waits for one data frame at most.
//
// Of a pipe in bulk not the bytes but its pages are moved, by way of a pipe that is our own: the
// guest can take bytes out of its own at any time, and a frame must be as long as its header says.
//
//   lanes (pipes, sockets) --ring--+-> [ frame ] --+--> stream
//                                  +-> [ pages ] --+
//   control frames ------------------> [ queue ] --+
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "agent/event_loop.h"
#include "base/sys.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "wire/frame.h"
#include "wire/messages.h"

namespace msb::agent {

// One flow of data frames to the host.
class DataLane {
 public:
  struct Pull {
    std::size_t size = 0;  // bytes put into the buffer
    bool again = false;    // there may be more
  };
  virtual ~DataLane() = default;
  virtual std::uint32_t stream() const = 0;
  virtual wire::FrameType frame_type() const = 0;
  virtual Pull pull(std::span<std::byte> buffer) = 0;
  // Would rather move() than pull().
  virtual bool moves_pages() const { return false; }
  // As pull(), into an empty pipe.
  virtual Pull move(int /*pipe*/, std::size_t /*size*/) { return {}; }
  // Called when the frame of the last pull is on its way; a lane that has come to its end says so
  // to its owner here, and not in pull(), so that the owner's frames follow the data.
  virtual void pulled() = 0;

 private:
  friend class HostLink;
  bool in_ring_ = false;
};

class HostLink {
 public:
  using FrameHandler = std::function<Result<>(const wire::Frame&)>;

  // `handler`'s failure means that the host broke the protocol.
  static Result<std::unique_ptr<HostLink>> create(EventLoop& loop, base::UniqueFd stream,
                                                  FrameHandler handler);
  ~HostLink() = default;

  template <typename Message>
  void send(std::uint32_t stream, const Message& message) {
    send(stream, Message::kType, message.encode());
  }
  void send(std::uint32_t stream, wire::FrameType type, std::span<const std::byte> payload = {});
  // kFailed, with the innermost reason's code.
  void send_failure(std::uint32_t stream, const Error& error);

  // Puts a lane into the ring unless it is there.
  void announce(DataLane& lane);
  void forget(DataLane& lane);

  // Says that it rests, and sends nothing more until one of the others: what is sent meanwhile is
  // kept, or was for a host that is not there any more.
  void rest();
  void go_on();
  void begin_anew();
  bool rests() const { return rests_; }

  // Reads and handles what has arrived, within bounds; then writes what can be written.
  Result<> exchange();
  // exchange() can go on without a new event.
  bool has_more_to_do() const;
  // The host is gone, or the stream is broken.
  bool closed() const { return closed_; }

 private:
  HostLink(base::UniqueFd stream, FrameHandler handler);
  Result<> receive();
  void transmit();
  DataLane::Pull begin_frame(DataLane& lane);
  bool half_written() const;
  bool flush();
  void write_bytes();
  void write_pages();
  void write_failed(int reason);
  void copy_pages();
  bool can_move_from(const DataLane& lane);
  bool may_receive() const;

  base::UniqueFd stream_;
  FrameHandler handler_;
  EventLoop::Watch watch_;
  wire::FrameReader reader_;
  bool readable_ = true;
  bool writable_ = true;
  bool waits_for_room_ = false;
  bool closed_ = false;

  bool rests_ = false;
  std::vector<std::byte> kept_;     // sent while it rests
  std::vector<std::byte> queue_;    // whole control frames, and small data frames
  std::vector<std::byte> sending_;  // was the queue; being written from sent_ on
  std::size_t sent_ = 0;
  std::unique_ptr<std::byte[]> frame_;  // one data frame, being written up to frame_end_
  std::size_t frame_begin_ = 0;
  std::size_t frame_end_ = 0;
  base::sys::Pipe pages_;  // what follows frame_, made when first needed
  std::size_t pages_size_ = 0;
  bool takes_pages_ = true;
  std::deque<DataLane*> ring_;
};

}  // namespace msb::agent
