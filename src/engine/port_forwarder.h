// SPDX-License-Identifier: Apache-2.0
//
// The published ports of one sandbox: listeners on the host's loopback, each connection relayed
// through the agent to the same or another port on the sandbox's own loopback.
//
//   client ── 127.0.0.1:host ──► [RelayedConnection] ── stream of the AgentLink ──► guest port
//
// The listeners are bound before the sandbox is made, so that a port which is taken stops the start
// early. All the rest happens in the I/O loop.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "engine/agent_link.h"
#include "engine/io_loop.h"
#include "engine/validation.h"

namespace msb::engine {

class RelayedConnection;

class PortForwarder {
 public:
  // More than this many connections at once wait in the listeners' backlogs.
  static constexpr std::size_t kMaxConnections = 256;

  // kConflict, kPermissionDenied: the error names the port.
  static Result<std::unique_ptr<PortForwarder>> bind(IoLoop& loop,
                                                     const std::vector<PortRule>& rules);
  PortForwarder(const PortForwarder&) = delete;
  PortForwarder& operator=(const PortForwarder&) = delete;
  // Closes listeners and connections.
  ~PortForwarder();

  // Begins to accept.
  Result<> start(std::shared_ptr<AgentLink> link);
  // With the ports that were picked in place of 0.
  const std::vector<PortRule>& ports() const { return ports_; }

 private:
  class Listener;
  explicit PortForwarder(IoLoop& loop) : loop_(loop) {}
  void accept_from(Listener& listener);
  void refuse_one(int listener);
  void on_closed(const RelayedConnection* connection);
  void listen_again();

  IoLoop& loop_;
  std::vector<PortRule> ports_;
  // Of the I/O loop alone, once start() was called.
  std::shared_ptr<AgentLink> link_;
  std::vector<std::shared_ptr<Listener>> listeners_;
  std::unordered_map<const RelayedConnection*, std::shared_ptr<RelayedConnection>> connections_;
  base::UniqueFd spare_;  // given up for a moment when the process is out of descriptors
};

}  // namespace msb::engine
