// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <utility>

#include "base/check.h"

namespace msb::sdk::testing {
namespace {

constexpr auto kDeadline = std::chrono::seconds(10);

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return text;
}

bool send_all(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool receive_more(int socket, std::string& buffer) {
  char bytes[16384];
  const ssize_t got = ::recv(socket, bytes, sizeof bytes, 0);
  if (got <= 0) {
    return false;
  }
  buffer.append(bytes, static_cast<std::size_t>(got));
  return true;
}

bool receive_request(int socket, std::string& buffer, ScriptedRequest& request) {
  std::size_t end = 0;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!receive_more(socket, buffer)) {
      return false;
    }
  }
  std::string_view head = std::string_view(buffer).substr(0, end);
  request.start_line = head.substr(0, head.find("\r\n"));
  for (std::size_t at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n")) {
    head.remove_prefix(at + 2);
    const std::string_view line = head.substr(0, head.find("\r\n"));
    const std::size_t colon = line.find(": ");
    if (colon != std::string_view::npos) {
      request.headers[lower(std::string(line.substr(0, colon)))] = line.substr(colon + 2);
    }
  }
  const std::size_t length = std::stoul("0" + request.headers["content-length"]);
  while (buffer.size() < end + 4 + length) {
    if (!receive_more(socket, buffer)) {
      return false;
    }
  }
  request.body = buffer.substr(end + 4, length);
  buffer.erase(0, end + 4 + length);
  return true;
}

}  // namespace

ScriptedReply http_reply(int status, std::string_view body, std::string_view content_type) {
  return {"HTTP/1.1 " + std::to_string(status) +
          " X\r\ncontent-type: " + std::string(content_type) +
          "\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body)};
}

ScriptedReply result_reply(std::string_view result) {
  return http_reply(200, R"({"jsonrpc":"2.0","result":)" + std::string(result) + "}");
}

ScriptedServer::ScriptedServer(Handler handler) : handler_(std::move(handler)) {
  listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  // SAFETY: the socket API takes any family's address as a sockaddr.
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  MSB_CHECK(::bind(listener_.get(), any, length) == 0);
  MSB_CHECK(::listen(listener_.get(), 256) == 0);
  MSB_CHECK(::getsockname(listener_.get(), any, &length) == 0);
  url_ = "http://127.0.0.1:" + std::to_string(::ntohs(address.sin_port));
  acceptor_ = std::thread([this] { accept_all(); });
}

ScriptedServer::~ScriptedServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard lock(mutex_);
    for (const base::UniqueFd& socket : sockets_) {
      ::shutdown(socket.get(), SHUT_RDWR);
    }
  }
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void ScriptedServer::accept_all() {
  for (;;) {
    base::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) {
      return;
    }
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ++connections_;
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, fd = socket.get()] { serve(fd); });
    sockets_.push_back(std::move(socket));
  }
}

void ScriptedServer::serve(int socket) {
  std::string buffer;
  ScriptedRequest request;
  while (receive_request(socket, buffer, request)) {
    const int now = ++at_once_;
    for (int most = most_at_once_; now > most && !most_at_once_.compare_exchange_weak(most, now);) {
    }
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(request);
    }
    changed_.notify_all();
    const ScriptedReply reply = handler_(std::exchange(request, {}));
    --at_once_;
    if (!send_all(socket, reply.bytes)) {
      return;
    }
    switch (reply.then) {
      case ScriptedReply::Then::kKeep:
        continue;
      case ScriptedReply::Then::kClose:
        ::shutdown(socket, SHUT_RDWR);
        return;
      case ScriptedReply::Then::kReset: {
        const linger now_and_hard{.l_onoff = 1, .l_linger = 0};
        ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &now_and_hard, sizeof now_and_hard);
        const std::lock_guard lock(mutex_);
        std::ranges::find(sockets_, socket, &base::UniqueFd::get)->reset();
        return;
      }
      case ScriptedReply::Then::kWaitForClient: {
        while (receive_more(socket, buffer)) {
        }
        const std::lock_guard lock(mutex_);
        ++gone_clients_;
        changed_.notify_all();
        return;
      }
    }
  }
}

std::vector<ScriptedRequest> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

bool ScriptedServer::wait_for_gone_clients(int count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kDeadline, [&] { return gone_clients_ >= count; });
}

bool ScriptedServer::wait_for_requests(std::size_t count) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kDeadline, [&] { return requests_.size() >= count; });
}

}  // namespace msb::sdk::testing
