// SPDX-License-Identifier: Apache-2.0
#include "agent/output_lane.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/sys.h"

namespace msb::agent {
namespace {

constexpr std::size_t kPipeBytes = 64 * 1024;  // what the kernel gives
constexpr int kGrownPipeBytes = 256 * 1024;
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

OutputLane::OutputLane(HostLink& link, Stream& stream, wire::FrameType type, base::UniqueFd fd,
                       std::function<void()> on_end)
    : link_(link), stream_(stream), type_(type), fd_(std::move(fd)), on_end_(std::move(on_end)) {}

OutputLane::~OutputLane() {
  link_.forget(*this);
}

Result<std::unique_ptr<OutputLane>> OutputLane::create(EventLoop& loop, HostLink& link,
                                                       Stream& stream, wire::FrameType type,
                                                       base::UniqueFd fd,
                                                       std::function<void()> on_end) {
  TRY(base::sys::set_nonblocking(fd.get(), true));
  std::unique_ptr<OutputLane> lane(
      new OutputLane(link, stream, type, std::move(fd), std::move(on_end)));
  lane->readable_ = false;  // the first event comes at once if there is something
  lane->watch_ = TRY(loop.watch(lane->fd_.get(), EPOLLIN | EPOLLRDHUP | EPOLLET,
                                [raw = lane.get()](std::uint32_t events) {
                                  raw->readable_ = true;
                                  raw->hung_up_ |= (events & ~std::uint32_t{EPOLLIN}) != 0;
                                  raw->resume();
                                }));
  return lane;
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
  const std::size_t size = fd_ ? pull_live(buffer) : pull_tail(buffer);
  stream_.credit_to_send -= size;
  return {.size = size, .again = !ended_ && has_more() && stream_.credit_to_send > 0};
}

std::size_t OutputLane::pull_live(std::span<std::byte> buffer) {
  const auto size = base::sys::read(fd_.get(), buffer);
  if (!size && size.error().sys_errno() == EAGAIN) {
    readable_ = false;
    return 0;
  }
  if (!size || *size == 0) {
    ended_ = true;
    // A terminal whose last user has gone says EIO instead of end of file.
    end_errno_ = size || size.error().sys_errno() == EIO ? 0 : size.error().sys_errno();
    return 0;
  }
  // Less than asked for: it was empty, and the next write to it is a new event.
  readable_ = *size == buffer.size() || hung_up_;
  if (*size >= kPipeBytes && !std::exchange(grown_, true)) {
    // Its writer is faster than we come by. Not done for every pipe: a user has only so many pages.
    ::fcntl(fd_.get(), F_SETPIPE_SZ, kGrownPipeBytes);
  }
  return *size;
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

base::UniqueFd OutputLane::settle() {
  if (!fd_) {
    return {};
  }
  watch_.stop();
  base::UniqueFd fd = std::move(fd_);
  bool at_end = ended_;
  const std::size_t wanted = at_end ? 0 : bytes_to_settle(fd.get());
  // The last, empty-handed read tells whether anybody still holds the other end.
  for (bool more = !at_end; more;) {
    const std::size_t have = tail_.size();
    tail_.resize(have + std::clamp(wanted - std::min(have, wanted), kProbeBytes, kSettleStepBytes));
    const auto size = base::sys::read(fd.get(), std::span(tail_).subspan(have));
    tail_.resize(have + size.value_or(0));
    at_end = size ? *size == 0 : size.error().sys_errno() != EAGAIN;
    more = size && *size > 0 && have < wanted;
  }
  ended_ = ended_ || tail_.empty();
  end_told_ = ended_;
  if (ended_) {
    link_.forget(*this);
  }
  resume();
  return at_end ? base::UniqueFd() : std::move(fd);
}

std::size_t OutputLane::drop() {
  const std::size_t left = tail_.size() - tail_sent_;
  tail_sent_ = tail_.size();
  ended_ = end_told_ = true;
  link_.forget(*this);
  return left;
}

}  // namespace msb::agent
