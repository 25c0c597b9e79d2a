// SPDX-License-Identifier: Apache-2.0
#include "agent/host_link.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/sys.h"

namespace msb::agent {
namespace {

// Larger frames and a larger socket buffer carry bulk twice as fast as the defaults (64 KiB, 208
// KiB): fewer changes between guest, agent and host per byte. The kernel grants what it allows.
constexpr std::size_t kMaxDataPayloadBytes = wire::kMaxPayloadBytes;
constexpr int kSocketBufferBytes = 1024 * 1024;
// Shorter data is copied behind the control frames, so that one write carries, for example, the
// start, the output and the exit of a short command.
constexpr std::size_t kSmallDataBytes = 4 * 1024;
constexpr std::size_t kMaxQueueBytes = 256 * 1024;
constexpr std::size_t kReadBytes = 16 * 1024;
constexpr std::size_t kMaxReadsPerTurn = 16;
constexpr std::size_t kMaxFramesPerTurn = 32;
constexpr std::uint32_t kEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;

}  // namespace

HostLink::HostLink(base::UniqueFd stream, FrameHandler handler)
    : stream_(std::move(stream)),
      handler_(std::move(handler)),
      frame_(
          std::make_unique_for_overwrite<std::byte[]>(wire::kHeaderSize + kMaxDataPayloadBytes)) {
  // Fails on a stream that is not a socket, which needs none.
  ::setsockopt(stream_.get(), SOL_SOCKET, SO_SNDBUF, &kSocketBufferBytes,
               sizeof kSocketBufferBytes);
}

Result<std::unique_ptr<HostLink>> HostLink::create(EventLoop& loop, base::UniqueFd stream,
                                                   FrameHandler handler) {
  TRY(base::sys::set_nonblocking(stream.get(), true));
  std::unique_ptr<HostLink> link(new HostLink(std::move(stream), std::move(handler)));
  link->watch_ =
      TRY(loop.watch(link->stream_.get(), kEvents, [raw = link.get()](std::uint32_t events) {
        raw->readable_ |= (events & ~std::uint32_t{EPOLLOUT}) != 0;
        raw->writable_ |= (events & EPOLLOUT) != 0;
      }));
  return link;
}

void HostLink::send(std::uint32_t stream, wire::FrameType type,
                    std::span<const std::byte> payload) {
  wire::append_frame(rests_ ? kept_ : queue_, stream, type, payload);
}

void HostLink::rest() {
  send(0, wire::FrameType::kResting);
  rests_ = true;
}

void HostLink::go_on() {
  rests_ = false;
  queue_.insert(queue_.end(), kept_.begin(), kept_.end());
  kept_ = {};
}

void HostLink::begin_anew() {
  rests_ = false;
  kept_ = {};
}

void HostLink::send_failure(std::uint32_t stream, const Error& error) {
  send(stream, wire::Failed{error.cause(), error.sys_errno(), error.message()});
}

void HostLink::announce(DataLane& lane) {
  if (!std::exchange(lane.in_ring_, true)) {
    ring_.push_back(&lane);
  }
}

void HostLink::forget(DataLane& lane) {
  if (std::exchange(lane.in_ring_, false)) {
    std::erase(ring_, &lane);
  }
}

bool HostLink::may_receive() const {
  return readable_ && queue_.size() < kMaxQueueBytes;
}

bool HostLink::has_more_to_do() const {
  return may_receive() || (writable_ && ((!ring_.empty() && !rests_) || !queue_.empty()));
}

Result<> HostLink::exchange() {
  TRY(receive());
  transmit();
  // Room is asked for while something waits for it: else every read of the host would be an event.
  if (const bool waits = !writable_ && !closed_; waits != waits_for_room_) {
    waits_for_room_ = waits;
    watch_.change(waits ? kEvents | EPOLLOUT : kEvents);
  }
  return {};
}

Result<> HostLink::receive() {
  for (std::size_t reads = 0; reads < kMaxReadsPerTurn && may_receive() && !closed_; ++reads) {
    const std::span<std::byte> buffer = reader_.prepare(kReadBytes);
    const auto size = base::sys::read(stream_.get(), buffer);
    if (!size) {
      if (size.error().sys_errno() == EAGAIN) {
        readable_ = false;
      } else {
        closed_ = true;
      }
      break;
    }
    if (*size == 0) {
      closed_ = true;
      break;
    }
    reader_.commit(*size);
    while (const auto frame = TRY(reader_.next())) {
      TRY(handler_(*frame));
    }
  }
  return {};
}

bool HostLink::half_written() const {
  return sent_ != sending_.size() || frame_begin_ != frame_end_ || pages_size_ > 0;
}

// Writes what was begun, then the queue. True: everything is on its way.
bool HostLink::flush() {
  while (!closed_) {
    if (!half_written()) {
      if (queue_.empty()) {
        return true;
      }
      sending_.clear();
      sent_ = 0;
      std::swap(sending_, queue_);
    }
    if (!writable_) {
      return false;
    }
    if (sent_ != sending_.size() || frame_begin_ != frame_end_) {
      write_bytes();
    } else {
      write_pages();
    }
  }
  return false;
}

void HostLink::write_bytes() {
  const std::array<iovec, 2> parts = {
      iovec{sending_.data() + sent_, sending_.size() - sent_},
      iovec{frame_.get() + frame_begin_, frame_end_ - frame_begin_}};
  const ssize_t count = ::writev(stream_.get(), parts.data(), parts.size());
  if (count < 0) {
    write_failed(errno);
    return;
  }
  const auto written = static_cast<std::size_t>(count);
  const std::size_t of_queue = std::min(written, sending_.size() - sent_);
  sent_ += of_queue;
  frame_begin_ += written - of_queue;
}

void HostLink::write_pages() {
  const ssize_t count = ::splice(pages_.read_end.get(), nullptr, stream_.get(), nullptr,
                                 pages_size_, SPLICE_F_NONBLOCK);
  if (count > 0) {
    pages_size_ -= static_cast<std::size_t>(count);
  } else if (count < 0 && errno == EINVAL) {
    takes_pages_ = false;  // this kind of stream takes bytes only
    copy_pages();
  } else {
    write_failed(count < 0 ? errno : EPIPE);
  }
}

void HostLink::write_failed(int reason) {
  if (reason == EAGAIN) {
    writable_ = false;
  } else if (reason != EINTR) {
    closed_ = true;
  }
}

void HostLink::copy_pages() {
  const auto size = base::sys::read(pages_.read_end.get(), std::span(frame_.get(), pages_size_));
  closed_ |= size.value_or(0) != pages_size_;
  frame_begin_ = 0;
  frame_end_ = std::exchange(pages_size_, 0);
}

// Pages, where it is known that there are many, and where they can be moved.
bool HostLink::can_move_from(const DataLane& lane) {
  if (!lane.moves_pages() || !takes_pages_) {
    return false;
  }
  if (!pages_.read_end) {
    auto made = base::sys::pipe(O_NONBLOCK);
    takes_pages_ = made.has_value();
    if (made) {
      pages_ = *std::move(made);
      ::fcntl(pages_.read_end.get(), F_SETPIPE_SZ, static_cast<int>(kMaxDataPayloadBytes));
    }
  }
  return takes_pages_;
}

DataLane::Pull HostLink::begin_frame(DataLane& lane) {
  const bool moves = can_move_from(lane);
  const std::span<std::byte> payload(frame_.get() + wire::kHeaderSize, kMaxDataPayloadBytes);
  const DataLane::Pull pull =
      moves ? lane.move(pages_.write_end.get(), kMaxDataPayloadBytes) : lane.pull(payload);
  if (pull.size == 0) {
    return pull;
  }
  if (!moves && pull.size <= kSmallDataBytes) {
    send(lane.stream(), lane.frame_type(), payload.first(pull.size));
    return pull;
  }
  const auto header = wire::encode_header(lane.stream(), lane.frame_type(), pull.size);
  std::memcpy(frame_.get(), header.data(), header.size());
  std::swap(sending_, queue_);
  queue_.clear();
  sent_ = 0;
  frame_begin_ = 0;
  frame_end_ = wire::kHeaderSize + (moves ? 0 : pull.size);
  pages_size_ = moves ? pull.size : 0;
  return pull;
}

void HostLink::transmit() {
  for (std::size_t frames = 0; frames < kMaxFramesPerTurn && !ring_.empty() && !rests_; ++frames) {
    // A data frame is begun only when nothing is half written and the stream takes more.
    if ((half_written() && !flush()) || !writable_) {
      return;
    }
    DataLane* lane = ring_.front();
    ring_.pop_front();
    lane->in_ring_ = false;
    const DataLane::Pull pull = begin_frame(*lane);
    if (pull.again) {
      announce(*lane);
    }
    lane->pulled();
    if (queue_.size() >= kSmallDataBytes * 4 && !flush()) {
      return;
    }
  }
  flush();
}

}  // namespace msb::agent
