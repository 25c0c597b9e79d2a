// SPDX-License-Identifier: Apache-2.0
#include "image/testing/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <sstream>

#include "base/check.h"

namespace msb::image::testing {

void Connection::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Connection::answer(int status, std::string_view body, std::string_view headers) const {
  send("HTTP/1.1 " + std::to_string(status) + " Text\r\nConnection: close\r\nContent-Length: " +
       std::to_string(body.size()) + "\r\n" + std::string(headers) + "\r\n" + std::string(body));
}

void Connection::wait_for_close() const {
  char byte = 0;
  while (::recv(socket_.get(), &byte, 1, 0) > 0) {
  }
}

HttpServer::HttpServer(Handler handler, std::string address_text)
    : handler_(std::move(handler)),
      address_(std::move(address_text)),
      listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  MSB_CHECK(::inet_pton(AF_INET, address_.c_str(), &address.sin_addr) == 1);
  socklen_t size = sizeof address;
  // SAFETY: the socket API takes every family's address as a sockaddr.
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  MSB_CHECK(::bind(listener_.get(), generic, size) == 0);
  MSB_CHECK(::listen(listener_.get(), 64) == 0);
  MSB_CHECK(::getsockname(listener_.get(), generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::jthread([this] { serve(); });
}

HttpServer::~HttpServer() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  acceptor_.join();
  {
    const std::lock_guard guard(mutex_);
    for (const int fd : open_) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  threads_.clear();
}

void HttpServer::serve() {
  for (;;) {
    base::UniqueFd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) {
      return;
    }
    const std::lock_guard guard(mutex_);
    open_.push_back(socket.get());
    threads_.emplace_back([this, fd = socket.release()] { handle(base::UniqueFd(fd)); });
  }
}

void HttpServer::handle(base::UniqueFd socket) {
  const int fd = socket.get();
  const Connection connection(std::move(socket));
  std::string head;
  char byte = 0;
  while (!head.ends_with("\r\n\r\n") && head.size() < 65536 && ::recv(fd, &byte, 1, 0) == 1) {
    head += byte;
    if (constexpr char kTlsHandshake = 0x16; head[0] == kTlsHandshake) {
      break;  // a client that tries https first
    }
  }
  if (head.ends_with("\r\n\r\n")) {
    ServerRequest request;
    std::istringstream lines(head);
    lines >> request.method >> request.target;
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line) && line != "\r") {
      const std::size_t colon = line.find(": ");
      std::string name = line.substr(0, colon);
      std::ranges::transform(name, name.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      request.headers[name] = line.substr(colon + 2, line.size() - colon - 3);
    }
    {
      const std::lock_guard guard(mutex_);
      log_.push_back(request.method + " " + request.target);
    }
    handler_(request, connection);
  }
  const std::lock_guard guard(mutex_);
  std::erase(open_, fd);
}

std::vector<std::string> HttpServer::log() const {
  const std::lock_guard guard(mutex_);
  return log_;
}

}  // namespace msb::image::testing
