// SPDX-License-Identifier: Apache-2.0
#include "engine/relayed_connection.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "engine/socket.h"
#include "engine/stream_limits.h"
#include "wire/messages.h"

namespace msb::engine {
namespace {

constexpr std::size_t kChunkBytes = 64 << 10;

std::unexpected<Error> out_of_place() {
  return fail(ErrorCode::kCorrupt, "frame that does not fit the state of a connection");
}

}  // namespace

RelayedConnection::RelayedConnection(IoLoop& loop, std::shared_ptr<AgentLink> link,
                                     base::UniqueFd client, ClosedCallback on_closed)
    : loop_(loop),
      link_(std::move(link)),
      client_(std::move(client)),
      on_closed_(std::move(on_closed)) {}

Result<std::shared_ptr<RelayedConnection>> RelayedConnection::open(IoLoop& loop,
                                                                   std::shared_ptr<AgentLink> link,
                                                                   base::UniqueFd client,
                                                                   std::uint16_t guest_port,
                                                                   ClosedCallback on_closed) {
  std::shared_ptr<RelayedConnection> connection(
      new RelayedConnection(loop, std::move(link), std::move(client), std::move(on_closed)));
  connection->stream_ = TRY(connection->link_->add(connection));
  connection->send(wire::FrameType::kConnect, wire::Connect{.port = guest_port}.encode());
  connection->settle();
  return connection;
}

void RelayedConnection::send(wire::FrameType type, std::span<const std::byte> payload) {
  std::vector<std::byte> frame;
  frame.reserve(wire::kHeaderSize + payload.size());
  wire::append_frame(frame, stream_, type, payload);
  // A failure is the link's loss, which comes to on_lost().
  [[maybe_unused]] const auto sent = link_->send(frame);
}

bool RelayedConnection::wants_to_read() const {
  return connected_ && !client_ended_ && credit_bytes_ > 0 && !waits_for_room_;
}

// Brings what the loop waits for into line with the state, after everything that changes it.
void RelayedConnection::settle() {
  if (closed_) {
    return;
  }
  const bool flushed = to_client_.empty();
  if (client_ended_ && guest_ended_ && flushed) {
    close();
    return;
  }
  std::uint32_t wanted = wants_to_read() ? static_cast<std::uint32_t>(EPOLLIN) : 0u;
  wanted |= flushed ? 0u : static_cast<std::uint32_t>(EPOLLOUT);
  if (token_ == 0) {
    const auto token = loop_.add(client_.get(), wanted, shared_from_this());
    if (!token) {
      abort();
      return;
    }
    token_ = *token;
  } else if (wanted != interest_) {
    loop_.change(token_, client_.get(), wanted);
  }
  interest_ = wanted;
}

void RelayedConnection::on_ready(std::uint32_t events) {
  if (closed_) {
    return;
  }
  if ((events & EPOLLERR) != 0) {
    abort();
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    write_client();
  }
  if (!closed_ && (events & (EPOLLIN | EPOLLHUP)) != 0) {
    if (wants_to_read()) {
      read_client();
    } else if ((events & EPOLLHUP) != 0) {
      // Both halves of the socket are shut, but what the client sent last has no room yet. This
      // event cannot be masked, so the loop does not look until settle() adds the socket again.
      loop_.remove(std::exchange(token_, 0), client_.get());
      return;
    }
  }
  settle();
}

void RelayedConnection::read_client() {
  if (!link_->has_room()) {
    waits_for_room_ = true;
    link_->want_room(stream_);
    return;
  }
  std::vector<std::byte> chunk(std::min<std::uint64_t>(kChunkBytes, credit_bytes_));
  const auto result = receive_some(client_.get(), chunk);
  if (!result) {
    abort();
    return;
  }
  const std::optional<std::size_t>& received = *result;
  if (!received) {
    return;
  }
  if (*received == 0) {
    client_ended_ = true;
    send(wire::FrameType::kEnd);
    return;
  }
  credit_bytes_ -= *received;
  send(wire::FrameType::kData, std::span(chunk).first(*received));
}

void RelayedConnection::write_client() {
  while (to_client_begin_ < to_client_.size()) {
    const auto result = send_some(client_.get(), std::span(to_client_).subspan(to_client_begin_));
    if (!result) {
      abort();
      return;
    }
    const std::optional<std::size_t>& sent = *result;
    if (!sent) {
      break;
    }
    to_client_begin_ += *sent;
    consumed_bytes_ += static_cast<std::uint32_t>(*sent);
  }
  if (to_client_begin_ == to_client_.size()) {
    to_client_.clear();
    to_client_begin_ = 0;
    if (guest_ended_) {
      shut_down_writing(client_.get());
    }
  } else if (to_client_begin_ >= kCreditStepBytes) {
    // A client slower than its guest never takes all; what it has taken must not stay.
    to_client_.erase(to_client_.begin(),
                     to_client_.begin() + static_cast<std::ptrdiff_t>(to_client_begin_));
    to_client_begin_ = 0;
  }
  if (consumed_bytes_ >= kCreditStepBytes && !guest_ended_) {
    const wire::Credit credit{.size_bytes = std::exchange(consumed_bytes_, 0)};
    window_bytes_ += credit.size_bytes;
    send(wire::FrameType::kCredit, credit.encode());
  }
}

Result<> RelayedConnection::accept_data(std::span<const std::byte> bytes) {
  if (!connected_ || guest_ended_ || bytes.size() > window_bytes_) {
    return out_of_place();
  }
  window_bytes_ -= bytes.size();
  to_client_.insert(to_client_.end(), bytes.begin(), bytes.end());
  write_client();
  return {};
}

Result<> RelayedConnection::on_frame(const wire::Frame& frame) {
  using wire::FrameType;
  if (closed_) {
    return {};
  }
  switch (frame.type) {
    case FrameType::kConnected:
      if (connected_) {
        return out_of_place();
      }
      connected_ = true;
      break;
    case FrameType::kData:
      TRY(accept_data(frame.payload));
      break;
    case FrameType::kEnd:
      if (!connected_ || guest_ended_) {
        return out_of_place();
      }
      guest_ended_ = true;
      write_client();
      break;
    case FrameType::kCredit: {
      const auto credit = TRY(wire::Credit::decode(frame.payload));
      if (credit_bytes_ + credit.size_bytes > kMaxCreditBytes) {
        return out_of_place();
      }
      credit_bytes_ += credit.size_bytes;
      break;
    }
    case FrameType::kDone:
    case FrameType::kFailed:
      // The guest's side is gone altogether; the client still gets what came before.
      guest_ended_ = client_ended_ = true;
      write_client();
      break;
    default:
      return out_of_place();
  }
  settle();
  return {};
}

void RelayedConnection::on_room() {
  waits_for_room_ = false;
  settle();
}

void RelayedConnection::on_lost(const Error&) {
  // Comes from whatever thread closed the link; the connection belongs to the loop.
  loop_.run_inside([self = shared_from_this()] { self->close(); });
}

void RelayedConnection::abort() {
  if (closed_) {
    return;
  }
  send(wire::FrameType::kCancel);
  close();
}

void RelayedConnection::close() {
  if (std::exchange(closed_, true)) {
    return;
  }
  const auto self = shared_from_this();  // on_closed_ may drop the last other owner
  link_->remove(stream_);
  if (token_ != 0) {
    loop_.remove(token_, client_.get());
  }
  client_.reset();
  on_closed_(this);
}

}  // namespace msb::engine
