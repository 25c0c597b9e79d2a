// SPDX-License-Identifier: Apache-2.0
#include "agent/relay.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/sys.h"

namespace msb::agent {
namespace {

int connect_to_loopback(int fd, bool v4, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 address6{};
  address6.sin6_family = AF_INET6;
  address6.sin6_port = htons(port);
  address6.sin6_addr = in6addr_loopback;
  // SAFETY: the sockets API's own way to pass an address of any family.
  const auto* any = v4 ? reinterpret_cast<const sockaddr*>(&address)
                       : reinterpret_cast<const sockaddr*>(&address6);
  return ::connect(fd, any, v4 ? sizeof address : sizeof address6);
}

}  // namespace

Result<std::unique_ptr<Relay>> Relay::start(Context& context, std::uint32_t stream,
                                            const wire::Connect& request) {
  std::unique_ptr<Relay> relay(new Relay(context, stream, request.port));
  TRY(relay->connect(Family::kV4));
  return relay;
}

Result<> Relay::connect(Family family) {
  family_ = family;
  watch_.stop();
  connecting_.reset(::socket(family == Family::kV4 ? AF_INET : AF_INET6,
                             SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!connecting_) {
    return std::unexpected(base::sys::error("socket"));
  }
  const int at_once = 1;
  ::setsockopt(connecting_.get(), IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
  if (connect_to_loopback(connecting_.get(), family == Family::kV4, port_) < 0 &&
      errno != EINPROGRESS) {
    // A refusal is known at once on loopback; it is handled where the late one is.
    const int reason = errno;
    if (family == Family::kV4) {
      return connect(Family::kV6);
    }
    return std::unexpected(base::sys::error_of(reason, "connect", std::to_string(port_)));
  }
  watch_ = TRY(context_.loop.watch(connecting_.get(), EPOLLOUT | EPOLLET,
                                   [this](std::uint32_t) { connect_finished(); }));
  return {};
}

void Relay::connect_finished() {
  int reason = 0;
  socklen_t size = sizeof reason;
  ::getsockopt(connecting_.get(), SOL_SOCKET, SO_ERROR, &reason, &size);
  Result<> result;
  if (reason == 0) {
    result = open();
  } else if (family_ == Family::kV4) {
    result = connect(Family::kV6);
  } else {
    result = std::unexpected(base::sys::error_of(reason, "connect", std::to_string(port_)));
  }
  if (!result) {
    fail(result.error());
  }
}

Result<> Relay::open() {
  watch_.stop();
  base::UniqueFd writer = TRY(base::sys::dup(connecting_.get()));
  input_ = TRY(InputLane::create(context_.loop, context_.link, *this, std::move(writer), [this] {
    ::shutdown(input_->fd(), SHUT_WR);
    input_ended_ = true;
    close_if_both_ended();
  }));
  output_ = TRY(OutputLane::create(context_.loop, context_.link, *this, wire::FrameType::kData,
                                   std::move(connecting_), kNoPatience, [this] { peer_ended(); }));
  context_.link.send(id(), wire::FrameType::kConnected);
  return {};
}

void Relay::peer_ended() {
  if (const int reason = output_->end_errno(); reason != 0) {
    fail(base::sys::error_of(reason, "read", "port " + std::to_string(port_)));
    return;
  }
  output_ended_ = true;
  context_.link.send(id(), wire::FrameType::kEnd);
  close_if_both_ended();
}

void Relay::on_data(std::span<const std::byte> bytes) {
  if (input_) {
    input_->write(bytes);
  }
}

void Relay::on_end() {
  if (input_) {
    input_->end();
  }
}

void Relay::on_credit() {
  if (output_) {
    output_->resume();
  }
}

void Relay::on_cancel() {
  close();
}

void Relay::close_if_both_ended() {
  if (input_ended_ && output_ended_) {
    close();
  }
}

void Relay::close() {
  context_.link.send(id(), wire::FrameType::kDone);
  context_.close_stream(id());
}

void Relay::fail(const Error& error) {
  context_.link.send_failure(id(), error);
  context_.close_stream(id());
}

}  // namespace msb::agent
