// SPDX-License-Identifier: Apache-2.0
//
// What all connections of a server share. Everything here belongs to the server's one I/O thread
// but the pools and what says otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "server/access.h"
#include "server/access_log.h"
#include "server/body_budget.h"
#include "server/edge.h"
#include "server/mcp_http.h"
#include "server/methods.h"
#include "server/server.h"
#include "server/statistics.h"
#include "server/worker_pool.h"

namespace msb::server {

// A connection as the server sees it while it shuts down.
class OpenConnection {
 public:
  virtual ~OpenConnection() = default;
  // Between two requests: ends now. In the middle of one: ends after it.
  virtual void close_when_idle() = 0;
};

struct Service {
  Service(ServerOptions options_, Backend& backend_)
      : options(std::move(options_)),
        backend(backend_),
        access(options.server_key),
        edge(access),
        methods(backend, options.host_prefixes),
        mcp(std::make_shared<McpDispatcher>(methods, options.version), sessions) {}

  // The time limit for running calls while shutting down; nothing: no shutdown.
  std::optional<std::chrono::steady_clock::time_point> drain_deadline;
  bool is_draining() const { return drain_deadline.has_value(); }
  bool is_out_of_time() const {
    return drain_deadline && std::chrono::steady_clock::now() >= *drain_deadline;
  }

  const ServerOptions options;
  Backend& backend;
  const Access access;
  const Edge edge;
  Methods methods;       // thread-safe
  McpSessions sessions;  // thread-safe
  const McpHttp mcp;
  Statistics statistics;  // thread-safe
  BodyBudget bodies{options.limits.max_body_bytes};
  std::uint64_t requests = 0;
  std::set<OpenConnection*> connections;
};

}  // namespace msb::server
