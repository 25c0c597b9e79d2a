// SPDX-License-Identifier: Apache-2.0
#include "agent/output_lane.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/emulation.h"
#include "base/sys.h"

namespace msb::agent {
namespace {

constexpr std::size_t kPipeBytes = 64 * 1024;  // what the kernel gives
constexpr int kGrownPipeBytes = 256 * 1024;
// Bulk begins when there was something so many times in quick succession, or a pipe was full, and
// ends when there was nothing so many times in a row.
constexpr unsigned kOftenEnough = 8;
constexpr std::chrono::microseconds kQuick{300};
constexpr unsigned kEmptyLooks = 4;
constexpr std::size_t kProbeBytes = 512;
constexpr std::size_t kSettleStepBytes = 64 * 1024;

// How much to take from `fd` when its writer has ended.
std::size_t bytes_to_settle(int fd) {
  int waiting = 0;
  if (::fcntl(fd, F_GETPIPE_SZ) < 0 || ::ioctl(fd, FIONREAD, &waiting) < 0) {
    // A terminal does not count what is still on its way to the reader; a read does wait for it.
    return kMaxTailBytes;
  }
  return std::min(static_cast<std::size_t>(std::max(waiting, 0)), kMaxTailBytes);
}

}  // namespace

std::chrono::milliseconds usual_patience() {
  return is_emulated() ? kEmulatedPatience : kPatience;
}

OutputLane::OutputLane(EventLoop& loop, HostLink& link, Stream& stream, wire::FrameType type,
                       base::UniqueFd fd, std::function<void()> on_end)
    : loop_(loop),
      link_(link),
      stream_(stream),
      type_(type),
      fd_(std::move(fd)),
      on_end_(std::move(on_end)) {}

OutputLane::~OutputLane() {
  link_.forget(*this);
}

Result<std::unique_ptr<OutputLane>> OutputLane::create(EventLoop& loop, HostLink& link,
                                                       Stream& stream, wire::FrameType type,
                                                       base::UniqueFd fd,
                                                       std::chrono::milliseconds patience,
                                                       std::function<void()> on_end) {
  TRY(base::sys::set_nonblocking(fd.get(), true));
  std::unique_ptr<OutputLane> lane(
      new OutputLane(loop, link, stream, type, std::move(fd), std::move(on_end)));
  if (patience == kNoPatience) {
    TRY(lane->attend());
  } else {
    lane->may_be_bulk_ = true;
    lane->attend_in(patience);
  }
  return lane;
}

Result<> OutputLane::attend() {
  // The first event comes at once if there is something.
  watch_ =
      TRY(loop_.watch(fd_.get(), EPOLLIN | EPOLLRDHUP | EPOLLET, [this](std::uint32_t /*events*/) {
        readable_ = true;
        resume();
      }));
  return {};
}

void OutputLane::attend_in(std::chrono::milliseconds delay) {
  timer_ = loop_.after(delay, [this] {
    if (!attend()) {
      attend_in(kPatience);  // the guest has used up its watches, perhaps not for ever
    }
  });
}

bool OutputLane::has_more() const {
  return fd_ ? readable_ : tail_sent_ < tail_.size();
}

void OutputLane::resume() {
  if (!ended_ && has_more() && stream_.credit_to_send > 0) {
    link_.announce(*this);
  }
}

DataLane::Pull OutputLane::pull(std::span<std::byte> buffer) {
  if (ended_ || stream_.credit_to_send == 0) {
    return {};
  }
  buffer = buffer.first(std::min<std::uint64_t>(buffer.size(), stream_.credit_to_send));
  return taken(fd_ ? pull_live(buffer) : pull_tail(buffer));
}

DataLane::Pull OutputLane::taken(std::size_t size) {
  stream_.credit_to_send -= size;
  return {.size = size, .again = !ended_ && has_more() && stream_.credit_to_send > 0};
}

void OutputLane::end(int reason) {
  ended_ = true;
  // A terminal whose last user has gone says EIO instead of end of file.
  end_errno_ = reason == EIO ? 0 : reason;
}

std::size_t OutputLane::pull_live(std::span<std::byte> buffer) {
  const auto size = base::sys::read(fd_.get(), buffer);
  if (!size && size.error().sys_errno() == EAGAIN) {
    found_empty();
    return 0;
  }
  if (!size || *size == 0) {
    end(size ? 0 : size.error().sys_errno());
    return 0;
  }
  last_size_ = *size;
  found_empty_ = 0;
  is_bulk_ = is_bulk_ || (may_be_bulk_ && (*size >= kPipeBytes || is_frequent()));
  if (is_bulk_) {
    watch_.stop();
    grow_pipe();
    pause();
  }
  // Else it stays readable until a read finds it empty. Less than asked for does not say so:
  // gVisor's sockets may have more behind it, and have no new event for that.
  return *size;
}

DataLane::Pull OutputLane::move(int pipe, std::size_t size) {
  if (ended_ || stream_.credit_to_send == 0) {
    return {};
  }
  size = std::min<std::uint64_t>(size, stream_.credit_to_send);
  const ssize_t moved = ::splice(fd_.get(), nullptr, pipe, nullptr, size, SPLICE_F_NONBLOCK);
  if (moved > 0) {
    last_size_ = static_cast<std::size_t>(moved);
    found_empty_ = 0;
    pause();
    return taken(last_size_);
  }
  if (moved < 0 && errno == EAGAIN) {
    found_empty();
  } else if (moved == 0 || errno != EINTR) {
    end(moved == 0 ? 0 : errno);
  }
  return taken(0);
}

bool OutputLane::is_frequent() {
  const auto now = EventLoop::Clock::now();
  in_quick_succession_ = now - last_taken_ < kQuick ? in_quick_succession_ + 1 : 0;
  last_taken_ = now;
  return in_quick_succession_ >= kOftenEnough;
}

// Not done for every pipe: a user has only so many pages.
void OutputLane::grow_pipe() {
  if (last_size_ >= kPipeBytes && !std::exchange(is_grown_, true)) {
    ::fcntl(fd_.get(), F_SETPIPE_SZ, kGrownPipeBytes);
  }
}

// The next look at a lane in bulk, and none before.
void OutputLane::pause() {
  readable_ = false;
  timer_ = loop_.after(kBulkPause, [this] {
    readable_ = true;
    resume();
  });
}

void OutputLane::found_empty() {
  readable_ = false;
  if (!is_bulk_) {
    return;
  }
  if (++found_empty_ < kEmptyLooks) {
    pause();
    return;
  }
  is_bulk_ = false;
  in_quick_succession_ = 0;
  if (!attend()) {
    attend_in(kPatience);
  }
}

std::size_t OutputLane::pull_tail(std::span<std::byte> buffer) {
  const std::size_t size = std::min(buffer.size(), tail_.size() - tail_sent_);
  std::memcpy(buffer.data(), tail_.data() + tail_sent_, size);
  tail_sent_ += size;
  ended_ = tail_sent_ == tail_.size();
  return size;
}

void OutputLane::pulled() {
  if (ended_ && !std::exchange(end_told_, true)) {
    watch_.stop();
    fd_.reset();
    const auto on_end = on_end_;  // it may destroy this lane
    on_end();
  }
}

OutputLane::Tail OutputLane::take_tail(int fd, std::size_t size) {
  const std::size_t have = tail_.size();
  tail_.resize(have + size);
  const auto taken = base::sys::read(fd, std::span(tail_).subspan(have));
  tail_.resize(have + taken.value_or(0));
  if (taken && *taken > 0) {
    return Tail::kMore;
  }
  return taken || taken.error().sys_errno() != EAGAIN ? Tail::kAtEnd : Tail::kEmptyNow;
}

base::UniqueFd OutputLane::settle() {
  if (!fd_) {
    return {};
  }
  watch_.stop();
  timer_.stop();
  base::UniqueFd fd = std::move(fd_);
  Tail tail = ended_ ? Tail::kAtEnd : take_tail(fd.get(), kProbeBytes);
  // The last, empty-handed read tells whether anybody still holds the other end.
  if (tail == Tail::kMore) {
    tail = take_tail(fd.get(), kProbeBytes);
  }
  if (tail == Tail::kMore) {
    const std::size_t wanted = tail_.size() + bytes_to_settle(fd.get());
    while (tail == Tail::kMore && tail_.size() < wanted) {
      tail = take_tail(fd.get(), std::min(wanted - tail_.size(), kSettleStepBytes));
    }
    if (tail == Tail::kMore) {
      tail = take_tail(fd.get(), kProbeBytes);
    }
  }
  ended_ = ended_ || tail_.empty();
  end_told_ = ended_;
  if (ended_) {
    link_.forget(*this);
  }
  resume();
  if (tail == Tail::kAtEnd) {
    spent_ = std::move(fd);
    return {};
  }
  return fd;
}

std::size_t OutputLane::drop() {
  const std::size_t left = tail_.size() - tail_sent_;
  tail_sent_ = tail_.size();
  ended_ = end_told_ = true;
  link_.forget(*this);
  return left;
}

}  // namespace msb::agent
