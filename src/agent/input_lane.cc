// SPDX-License-Identifier: Apache-2.0
#include "agent/input_lane.h"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/sys.h"

namespace msb::agent {
namespace {

// Credit goes back in portions: a frame for every write would be noise.
constexpr std::size_t kCreditPortionBytes = wire::kInitialCreditBytes / 4;

}  // namespace

InputLane::InputLane(HostLink& link, Stream& stream, base::UniqueFd fd,
                     std::function<void()> on_end)
    : link_(link), stream_(stream), fd_(std::move(fd)), on_end_(std::move(on_end)) {}

Result<std::unique_ptr<InputLane>> InputLane::create(EventLoop& loop, HostLink& link,
                                                     Stream& stream, base::UniqueFd fd,
                                                     std::function<void()> on_end) {
  TRY(base::sys::set_nonblocking(fd.get(), true));
  std::unique_ptr<InputLane> lane(new InputLane(link, stream, std::move(fd), std::move(on_end)));
  lane->watch_ = TRY(
      loop.watch(lane->fd_.get(), EPOLLOUT | EPOLLET, [raw = lane.get()](std::uint32_t /*events*/) {
        raw->writable_ = true;
        raw->flush();
      }));
  return lane;
}

std::size_t InputLane::push(std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (!unread_ && writable_ && done < bytes.size()) {
    const auto size = base::sys::write(fd_.get(), bytes.subspan(done));
    if (size) {
      done += *size;
    } else if (size.error().sys_errno() == EAGAIN) {
      writable_ = false;
    } else {
      unread_ = true;
    }
  }
  return unread_ ? bytes.size() : done;
}

void InputLane::give_back(std::size_t size) {
  to_give_back_ += size;
  if (to_give_back_ >= kCreditPortionBytes) {
    stream_.credit_granted += to_give_back_;
    link_.send(stream_.id(), wire::Credit{static_cast<std::uint32_t>(to_give_back_)});
    to_give_back_ = 0;
  }
}

void InputLane::write(std::span<const std::byte> bytes) {
  if (waiting_begin_ == waiting_.size()) {
    const std::size_t done = push(bytes);
    give_back(done);
    bytes = bytes.subspan(done);
  }
  if (!bytes.empty()) {
    waiting_.insert(waiting_.end(), bytes.begin(), bytes.end());
  }
  if (unread_) {
    flush();
  }
}

void InputLane::end() {
  ending_ = true;
  flush();
}

void InputLane::flush() {
  const std::size_t done = push(std::span(waiting_).subspan(waiting_begin_));
  waiting_begin_ += done;
  if (waiting_begin_ == waiting_.size()) {
    waiting_ = {};
    waiting_begin_ = 0;
  } else if (waiting_begin_ > waiting_.size() / 2) {
    waiting_.erase(waiting_.begin(),
                   waiting_.begin() + static_cast<std::ptrdiff_t>(waiting_begin_));
    waiting_begin_ = 0;
  }
  give_back(done);
  if ((unread_ || (ending_ && waiting_.empty())) && !std::exchange(end_told_, true)) {
    const auto on_end = on_end_;  // it may destroy this lane
    on_end();
  }
}

}  // namespace msb::agent
