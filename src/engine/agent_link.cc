// SPDX-License-Identifier: Apache-2.0
#include "engine/agent_link.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "engine/socket.h"
#include "wire/messages.h"

namespace msb::engine {
namespace {

// Most sandboxes are idle most of the time, so the buffer begins small and grows under load.
constexpr std::size_t kMinReadBytes = 4 << 10;
constexpr std::size_t kMaxReadBytes = 256 << 10;

bool closes_stream(wire::FrameType type) {
  return type == wire::FrameType::kDone || type == wire::FrameType::kFailed ||
         type == wire::FrameType::kExited || type == wire::FrameType::kReplDone ||
         type == wire::FrameType::kMeasured;
}

Error broken(std::string what) {
  return Error(ErrorCode::kCorrupt, std::move(what)).wrap("the agent broke the protocol");
}

// An agent that talks but does not greet would otherwise hold up a start until its deadline.
Error speaks_too_early() {
  return broken("a frame before the answer to hello");
}

Error silent() {
  return Error(ErrorCode::kUnavailable, "the agent inside the sandbox does not answer");
}

}  // namespace

AgentLink::AgentLink(IoLoop& loop, base::UniqueFd socket, std::string instance_id)
    : loop_(loop),
      socket_(std::move(socket)),
      instance_id_(std::move(instance_id)),
      read_size_(kMinReadBytes),
      heard_(Clock::now()) {}

Result<std::shared_ptr<AgentLink>> AgentLink::open(IoLoop& loop, base::UniqueFd socket,
                                                   std::string instance_id) {
  std::shared_ptr<AgentLink> link(new AgentLink(loop, std::move(socket), std::move(instance_id)));
  // The loop may call on_ready() before token_ is set; only writers and close() need it, and the
  // caller that has not got the link yet is the only one to call those.
  const std::lock_guard streams_lock(link->streams_mutex_);
  const std::lock_guard write_lock(link->write_mutex_);
  link->token_ = TRY(loop.add(link->socket_.get(), EPOLLIN, link));
  return link;
}

Result<> AgentLink::await_hello(Clock::time_point deadline) {
  receive_until(deadline, nullptr, [this] {
    const std::lock_guard lock(streams_mutex_);
    return greeted_;
  });
  std::unique_lock lock(streams_mutex_);
  const bool settled =
      greeted_or_lost_.wait_until(lock, deadline, [this] { return greeted_ || lost_; });
  if (lost_) {
    return std::unexpected(*lost_);
  }
  if (!settled) {
    lock.unlock();
    close(silent());
    return std::unexpected(silent());
  }
  return {};
}

Result<std::uint32_t> AgentLink::add(std::shared_ptr<Stream> stream) {
  const bool belongs_to_loop = !stream->takes_any_thread();
  std::uint32_t number = 0;
  bool somebody_receives = false;
  {
    const std::lock_guard lock(streams_mutex_);
    if (lost_) {
      return std::unexpected(*lost_);
    }
    number = ++last_stream_;
    streams_.emplace(number, std::move(stream));
    streams_of_loop_ += belongs_to_loop ? 1 : 0;
    somebody_receives = receiver_ != nullptr;
  }
  if (!somebody_receives) {
    let_loop_receive();
  }
  if (belongs_to_loop) {
    wake_receiver();
    // What another thread is receiving at this moment was sent before anybody knew of the stream.
    const std::lock_guard received(receive_mutex_);
  }
  return number;
}

void AgentLink::remove(std::uint32_t stream) {
  std::shared_ptr<Stream> last;  // destroyed after the lock is released
  const std::lock_guard lock(streams_mutex_);
  if (const auto found = streams_.find(stream); found != streams_.end()) {
    last = std::move(found->second);
    streams_.erase(found);
    streams_of_loop_ -= last->takes_any_thread() ? 0 : 1;
  }
}

Result<> AgentLink::send(std::span<const std::byte> frames) {
  const std::lock_guard lock(write_mutex_);
  return send_locked(frames);
}

Result<> AgentLink::send_bulk(std::span<const std::byte> frames) {
  std::unique_lock lock(write_mutex_);
  while (!write_lost_ && waiting_bytes() > kBulkRoomBytes) {
    const std::size_t before = waiting_bytes();
    const bool moved =
        room_.wait_for(lock, 2 * kSilence, [&] { return write_lost_ || waiting_bytes() < before; });
    if (!moved && is_resting_) {
      continue;
    }
    if (!moved) {
      lock.unlock();
      close(silent());
      return std::unexpected(silent());
    }
  }
  return send_locked(frames);
}

// With write_mutex_ held.
std::size_t AgentLink::waiting_bytes() const {
  return unsent_.size() - unsent_begin_ + held_back_.size();
}

// Likewise.
Result<> AgentLink::check_room(std::size_t size_bytes) {
  if (waiting_bytes() + size_bytes <= kMaxUnsentBytes) {
    return {};
  }
  // Not closed here, where write_mutex_ is held: the loop finds the socket shut down.
  write_lost_ = true;
  shut_down(socket_.get());
  return std::unexpected(silent());
}

Result<> AgentLink::send_locked(std::span<const std::byte> frames) {
  if (write_lost_) {
    return fail(ErrorCode::kUnavailable, "the stream to the sandbox is closed");
  }
  if (holds_back_) {
    TRY(check_room(frames.size()));
    held_back_.insert(held_back_.end(), frames.begin(), frames.end());
    return {};
  }
  if (unsent_.empty()) {
    while (!frames.empty()) {
      const auto result = send_some(socket_.get(), frames);
      if (!result) {
        // Perhaps in the middle of a frame: nothing that follows would be understood.
        write_lost_ = true;
        shut_down(socket_.get());
        return std::unexpected(result.error());
      }
      const std::optional<std::size_t>& sent = *result;
      if (!sent) {
        break;
      }
      frames = frames.subspan(*sent);
    }
    if (frames.empty()) {
      return {};
    }
  }
  TRY(check_room(frames.size()));
  const bool waited = !unsent_.empty();
  unsent_.insert(unsent_.end(), frames.begin(), frames.end());
  if (!waited) {
    update_interest();
  }
  return {};
}

// With write_mutex_ held.
void AgentLink::update_interest() {
  const std::uint32_t input = loop_receives_ ? EPOLLIN : 0u;
  const std::uint32_t output = unsent_.empty() ? 0u : EPOLLOUT;
  loop_.change(token_, socket_.get(), input | output);
}

bool AgentLink::has_room() {
  const std::lock_guard lock(write_mutex_);
  return waiting_bytes() <= kBulkRoomBytes;
}

void AgentLink::want_room(std::uint32_t stream) {
  const std::lock_guard lock(streams_mutex_);
  room_wanted_.push_back(stream);
}

Result<> AgentLink::drain() {
  std::vector<std::shared_ptr<Stream>> waiting;
  {
    const std::lock_guard lock(write_mutex_);
    while (unsent_begin_ < unsent_.size()) {
      const std::optional<std::size_t> sent =
          TRY(send_some(socket_.get(), std::span(unsent_).subspan(unsent_begin_)));
      if (!sent) {
        break;
      }
      unsent_begin_ += *sent;
    }
    if (unsent_begin_ == unsent_.size()) {
      unsent_.clear();
      unsent_begin_ = 0;
      update_interest();
    } else if (unsent_begin_ > kBulkRoomBytes) {
      unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(unsent_begin_));
      unsent_begin_ = 0;
    }
    room_.notify_all();
    if (waiting_bytes() > kBulkRoomBytes) {
      return {};
    }
  }
  {
    const std::lock_guard lock(streams_mutex_);
    for (const std::uint32_t number : std::exchange(room_wanted_, {})) {
      if (const auto found = streams_.find(number); found != streams_.end()) {
        waiting.push_back(found->second);
      }
    }
  }
  for (const auto& stream : waiting) {
    stream->on_room();
  }
  return {};
}

void AgentLink::on_ready(std::uint32_t events) {
  Result<> result;
  if ((events & EPOLLOUT) != 0) {
    result = drain();
  }
  if (result && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    {
      const std::lock_guard lock(receive_mutex_);
      result = receive();
    }
    // The event may be older than that thread's turn, and what it waits for in what we have taken.
    wake_receiver();
  }
  if (!result) {
    close(std::move(result).error());
  }
}

void AgentLink::receive_until(Clock::time_point deadline, const Stream* own,
                              const std::function<bool()>& done) {
  const auto bell = Bell::of_this_thread();
  if (!bell || !begin_receiving(**bell)) {
    return;
  }
  Result<> result;
  while (result && !done()) {
    const Bell::Woken woken = (*bell)->wait_for(socket_.get(), deadline);
    const std::lock_guard lock(receive_mutex_);
    if (!may_receive_here() || (woken == Bell::Woken::kNotYet && Clock::now() >= deadline)) {
      break;
    }
    if (woken == Bell::Woken::kReadable) {
      result = receive();
    }
  }
  end_receiving(own);
  if (!result) {
    close(std::move(result).error());
  }
}

bool AgentLink::begin_receiving(const Bell& bell) {
  {
    const std::lock_guard lock(streams_mutex_);
    if (lost_ || receiver_ != nullptr || streams_of_loop_ > 0) {
      return false;
    }
    receiver_ = &bell;
  }
  const std::lock_guard lock(write_mutex_);
  if (std::exchange(loop_receives_, false)) {
    update_interest();
  }
  return true;
}

void AgentLink::end_receiving(const Stream* own) {
  {
    const std::lock_guard lock(streams_mutex_);
    receiver_ = nullptr;
    if (streams_.size() == 1 && streams_.begin()->second.get() == own) {
      return;
    }
  }
  let_loop_receive();
}

void AgentLink::let_loop_receive() {
  const std::lock_guard lock(write_mutex_);
  if (!std::exchange(loop_receives_, true)) {
    update_interest();
  }
}

bool AgentLink::may_receive_here() const {
  const std::lock_guard lock(streams_mutex_);
  return !lost_ && streams_of_loop_ == 0;
}

void AgentLink::wake_receiver() {
  const std::lock_guard lock(streams_mutex_);
  if (receiver_ != nullptr) {
    receiver_->ring();
  }
}

// With receive_mutex_ held.
Result<> AgentLink::receive() {
  const std::span<std::byte> buffer = reader_.prepare(read_size_);
  const std::optional<std::size_t> received = TRY(receive_some(socket_.get(), buffer));
  if (!received) {
    return {};
  }
  if (*received == 0) {
    return fail(ErrorCode::kUnavailable, "the sandbox has ended");
  }
  if (*received >= read_size_) {
    read_size_ = std::min(2 * read_size_, kMaxReadBytes);
  }
  reader_.commit(*received);
  Result<> result;
  while (result) {
    const auto next = reader_.next();
    if (!next) {
      result = std::unexpected(broken(next.error().message()));
      break;
    }
    const std::optional<wire::Frame>& frame = *next;
    if (!frame) {
      break;
    }
    result = dispatch(*frame);
  }
  // Waiting threads are woken once for all that came together, which also is what they then see.
  for (const auto& stream : std::exchange(batch_, {})) {
    stream->on_batch_end();
  }
  return result;
}

Result<> AgentLink::dispatch(const wire::Frame& frame) {
  if (frame.stream == 0) {
    return on_control_frame(frame);
  }
  std::shared_ptr<Stream> stream;
  {
    const std::lock_guard lock(streams_mutex_);
    if (!greeted_) {
      return std::unexpected(speaks_too_early());
    }
    heard_ = Clock::now();
    asked_.reset();
    if (frame.stream > last_stream_) {
      return std::unexpected(broken("frame of a stream that was never opened"));
    }
    const auto found = streams_.find(frame.stream);
    if (found == streams_.end()) {
      return {};  // in flight when the stream was closed
    }
    stream = found->second;
    if (closes_stream(frame.type)) {
      streams_.erase(found);
      streams_of_loop_ -= stream->takes_any_thread() ? 0 : 1;
    }
  }
  if (auto result = stream->on_frame(frame); !result) {
    Error error = broken(result.error().message());
    // A closing frame took the stream off the list that close() goes through.
    stream->on_lost(error);
    return std::unexpected(std::move(error));
  }
  if (batch_.empty() || batch_.back() != stream) {
    batch_.push_back(std::move(stream));
  }
  return {};
}

Result<> AgentLink::on_control_frame(const wire::Frame& frame) {
  if (frame.type != wire::FrameType::kHelloReply) {
    const std::lock_guard lock(streams_mutex_);
    if (!greeted_) {
      return std::unexpected(speaks_too_early());
    }
  }
  switch (frame.type) {
    case wire::FrameType::kHelloReply: {
      const auto reply = wire::HelloReply::decode(frame.payload);
      if (!reply) {
        return std::unexpected(broken(reply.error().message()));
      }
      const std::lock_guard lock(streams_mutex_);
      if (greeted_ || reply->version != wire::kProtocolVersion ||
          reply->instance_id != instance_id_) {
        return std::unexpected(broken("unexpected hello reply"));
      }
      heard_ = Clock::now();
      greeted_ = true;
      greeted_or_lost_.notify_all();
      return {};
    }
    case wire::FrameType::kPing: {
      std::vector<std::byte> pong;
      wire::append_frame(pong, 0, wire::FrameType::kPong, {});
      return send(pong);
    }
    case wire::FrameType::kPong: {
      const std::lock_guard lock(streams_mutex_);
      heard_ = Clock::now();
      asked_.reset();
      return {};
    }
    case wire::FrameType::kResting: {
      const std::lock_guard lock(streams_mutex_);
      if (silence_ != Silence::kWanted) {
        return std::unexpected(broken("a rest that nobody asked for"));
      }
      silence_ = Silence::kKept;
      greeted_or_lost_.notify_all();
      return {};
    }
    default:
      return std::unexpected(broken("unexpected frame on the control stream"));
  }
}

void AgentLink::check_alive() {
  std::vector<std::byte> ping;
  {
    const std::lock_guard lock(streams_mutex_);
    const Clock::time_point now = Clock::now();
    if (lost_ || is_resting_ || now - heard_ < kSilence) {
      return;
    }
    if (!asked_) {
      asked_ = now;
      wire::append_frame(ping, 0, wire::FrameType::kPing, {});
    } else if (now - *asked_ < kSilence) {
      return;
    }
  }
  if (ping.empty()) {
    close(silent());
  } else {
    [[maybe_unused]] const auto sent = send(ping);  // its failure is the loop's to see
  }
}

Result<> AgentLink::fall_silent(Clock::time_point deadline) {
  {
    const std::lock_guard lock(streams_mutex_);
    if (lost_) {
      return std::unexpected(*lost_);
    }
    silence_ = Silence::kWanted;
  }
  std::vector<std::byte> frame;
  wire::append_frame(frame, 0, wire::FrameType::kRest, {});
  {
    const std::lock_guard lock(write_mutex_);
    TRY(send_locked(frame));
    holds_back_ = true;
  }
  receive_until(deadline, nullptr, [this] {
    const std::lock_guard lock(streams_mutex_);
    return silence_ == Silence::kKept;
  });
  std::unique_lock lock(streams_mutex_);
  if (greeted_or_lost_.wait_until(lock, deadline,
                                  [this] { return lost_ || silence_ == Silence::kKept; })) {
    return lost_ ? Result<>(std::unexpected(*lost_)) : Result<>();
  }
  lock.unlock();
  go_on();
  return std::unexpected(silent());
}

void AgentLink::go_on() {
  {
    // An answer that comes too late is one to a question that was asked.
    const std::lock_guard lock(streams_mutex_);
    silence_ = silence_ == Silence::kKept ? Silence::kNone : silence_;
  }
  std::vector<std::byte> frames;
  wire::append_frame(frames, 0, wire::FrameType::kGoOn, {});
  const std::lock_guard lock(write_mutex_);
  holds_back_ = false;
  frames.insert(frames.end(), held_back_.begin(), held_back_.end());
  std::vector<std::byte>().swap(held_back_);
  [[maybe_unused]] const auto sent = send_locked(frames);  // its failure is the loop's to see
  room_.notify_all();
  // For the streams of the loop that wait for room: it finds that there is some.
  loop_.change(token_, socket_.get(), (loop_receives_ ? EPOLLIN : 0u) | EPOLLOUT);
}

void AgentLink::begin_rest() {
  const std::lock_guard lock(streams_mutex_);
  resting_since_ = Clock::now();
  is_resting_ = true;
}

void AgentLink::end_rest() {
  const std::lock_guard lock(streams_mutex_);
  if (is_resting_.exchange(false)) {
    heard_ = Clock::now();
    rested_before_ += heard_ - resting_since_;
    asked_.reset();
  }
}

AgentLink::Clock::duration AgentLink::rested() const {
  const std::lock_guard lock(streams_mutex_);
  return rested_before_ + (is_resting_ ? Clock::now() - resting_since_ : Clock::duration(0));
}

void AgentLink::close(const Error& reason) {
  std::unordered_map<std::uint32_t, std::shared_ptr<Stream>> streams;
  std::function<void()> when_lost;
  {
    const std::lock_guard lock(streams_mutex_);
    if (lost_) {
      return;
    }
    lost_ = reason;
    when_lost = std::exchange(when_lost_, nullptr);
    streams.swap(streams_);
    streams_of_loop_ = 0;
    greeted_or_lost_.notify_all();
  }
  {
    const std::lock_guard lock(write_mutex_);
    write_lost_ = true;
    std::vector<std::byte>().swap(unsent_);
    unsent_begin_ = 0;
    std::vector<std::byte>().swap(held_back_);
    room_.notify_all();
  }
  loop_.remove(token_, socket_.get());
  // The descriptor itself is closed with the link, when no thread can be inside a call with it.
  shut_down(socket_.get());
  for (const auto& [number, stream] : streams) {
    stream->on_lost(reason);
  }
  if (when_lost) {
    when_lost();
  }
}

void AgentLink::when_lost(std::function<void()> callback) {
  {
    const std::lock_guard lock(streams_mutex_);
    if (!lost_) {
      when_lost_ = std::move(callback);
      return;
    }
  }
  callback();
}

std::optional<Error> AgentLink::lost() const {
  const std::lock_guard lock(streams_mutex_);
  return lost_;
}

}  // namespace msb::engine
