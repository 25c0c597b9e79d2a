// SPDX-License-Identifier: Apache-2.0
#include "engine/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

#include "base/sys.h"

namespace msb::engine {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

bool would_block(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

}  // namespace

Result<std::optional<std::size_t>> send_some(int socket, std::span<const std::byte> bytes) {
  for (;;) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      return static_cast<std::size_t>(sent);
    }
    if (would_block(errno)) {
      return std::nullopt;
    }
    if (errno != EINTR) {
      return std::unexpected(base::sys::error("send"));
    }
  }
}

Result<std::optional<std::size_t>> receive_some(int socket, std::span<std::byte> buffer) {
  for (;;) {
    const ssize_t received = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received >= 0) {
      return static_cast<std::size_t>(received);
    }
    if (would_block(errno)) {
      return std::nullopt;
    }
    if (errno != EINTR) {
      return std::unexpected(base::sys::error("recv"));
    }
  }
}

Result<base::UniqueFd> listen_on_loopback(std::uint16_t port) {
  const std::string subject = "127.0.0.1:" + std::to_string(port);
  base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener) {
    return std::unexpected(base::sys::error("socket"));
  }
  // A port whose last connections are in TIME_WAIT can be used again at once.
  const int on = 1;
  if (::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0) {
    return std::unexpected(base::sys::error("setsockopt(SO_REUSEADDR)"));
  }
  const sockaddr_in address = loopback(port);
  // SAFETY: the socket API takes every address type through sockaddr.
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::listen(listener.get(), SOMAXCONN) < 0) {
    if (errno == EADDRINUSE) {
      return fail(ErrorCode::kConflict, "bind(" + subject + ")", EADDRINUSE);
    }
    return std::unexpected(base::sys::error("bind", subject));
  }
  return listener;
}

Result<std::uint16_t> local_port(int socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  // SAFETY: as above; the family is known, it is a socket of ours.
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) < 0) {
    return std::unexpected(base::sys::error("getsockname"));
  }
  return ntohs(address.sin_port);
}

Result<std::optional<base::UniqueFd>> accept_one(int listener) {
  for (;;) {
    base::UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (client) {
      const int on = 1;
      // Only a matter of speed, so a failure is not one of ours.
      (void)::setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      return client;
    }
    if (would_block(errno)) {
      return std::nullopt;
    }
    // ECONNABORTED: that client is gone already; the next may be there.
    if (errno != EINTR && errno != ECONNABORTED) {
      return std::unexpected(base::sys::error("accept4"));
    }
  }
}

void shut_down_writing(int socket) noexcept {
  (void)::shutdown(socket, SHUT_WR);
}

void shut_down(int socket) noexcept {
  (void)::shutdown(socket, SHUT_RDWR);
}

}  // namespace msb::engine
