// SPDX-License-Identifier: Apache-2.0
//
// A server of HTTP, on loopback or another address of this host, that does what it is told, also
// what no server should: it sends raw bytes, stops in the middle, or says nothing at all.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace msb::image::testing {

struct ServerRequest {
  std::string method;
  std::string target;                          // "/v2/..."
  std::map<std::string, std::string> headers;  // names in lower case
};

class Connection {
 public:
  explicit Connection(base::UniqueFd socket) : socket_(std::move(socket)) {}
  int fd() const { return socket_.get(); }
  void send(std::string_view bytes) const;
  // A whole answer; the connection is closed after it.
  void answer(int status, std::string_view body, std::string_view headers = "") const;
  // Until the client gives up.
  void wait_for_close() const;

 private:
  base::UniqueFd socket_;
};

class HttpServer {
 public:
  // Called on a thread per connection, for its one request.
  using Handler = std::function<void(const ServerRequest&, const Connection&)>;
  explicit HttpServer(Handler handler, std::string address = "127.0.0.1");
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::uint16_t port() const { return port_; }
  std::string host() const { return address_ + ":" + std::to_string(port_); }
  // "METHOD target" of every request so far.
  std::vector<std::string> log() const;

 private:
  void serve();
  void handle(base::UniqueFd socket);

  Handler handler_;
  std::string address_;
  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> log_;
  std::vector<int> open_;
  std::vector<std::jthread> threads_;
  std::jthread acceptor_;
};

}  // namespace msb::image::testing
