// SPDX-License-Identifier: Apache-2.0
//
// The HTTP server: listens, serves, and shuts down in order.
//
//   create() ──► run() ── stop() ──► draining ── every call has its answer ──► run() returns
//                                       │ drain_time is over: running calls are cancelled
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "server/access_log.h"
#include "server/backend.h"

namespace msb::server {

struct ServerLimits {
  std::chrono::milliseconds idle_time{75'000};    // between two requests of a connection
  std::chrono::milliseconds header_time{10'000};  // from the first byte to the end of the header
  std::chrono::milliseconds body_time{60'000};    // of the body
  std::chrono::milliseconds write_time{60'000};   // of a response, or of one event
  std::chrono::milliseconds drain_time{30'000};   // for running calls, when shutting down
  std::size_t max_connections = 4096;
  std::size_t max_body_bytes = 256u << 20;  // of all requests together (body_budget.h)
  std::size_t max_running_calls = 128;
  std::size_t max_waiting_calls = 1024;
};

struct ServerOptions {
  std::string host = "127.0.0.1";         // an IP literal
  std::uint16_t port = 5555;              // 0: any free one
  std::optional<std::string> server_key;  // nothing: dev mode, on loopback only
  std::string tls_certificate_file;       // PEM, with the chain; empty: no TLS
  std::string tls_key_file;
  std::vector<std::string> host_prefixes;  // paths that errors must not show
  std::string version;
  LogSink log;  // empty: nothing is logged
  ServerLimits limits;
};

class Server {
 public:
  // Listens when it returns. kInvalidArgument: bad host, or dev mode on more than loopback.
  static Result<std::unique_ptr<Server>> create(ServerOptions options, Backend& backend);
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();

  std::uint16_t port() const;
  // "http://127.0.0.1:5555"
  std::string url() const;

  // Serves until stop() has been called and every call has its answer. Once only.
  void run();
  // From any thread. No new connections; idle ones are closed.
  void stop();

 private:
  class Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace msb::server
