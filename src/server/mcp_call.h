// SPDX-License-Identifier: Apache-2.0
//
// Requests of MCP whose answer may take long, on their way from a transport to a thread that runs
// them: one, or the batch that a client has sent as one.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "server/mcp_dispatcher.h"
#include "server/mcp_sessions.h"

namespace msb::server {

struct McpCall {
  struct Part {
    rpc::McpMessage request;
    std::shared_ptr<McpSession::Running> running;
  };

  const McpDispatcher* dispatcher = nullptr;
  McpCaller caller;
  std::vector<Part> parts;
  std::vector<rpc::Json> refusals;  // of a batch: answers that are known already
  bool is_batch = false;
  std::shared_ptr<McpProgress> progress;  // null: nobody wants to hear of it
  bool streams = false;                   // the answer goes out as server-sent events
  // Nobody waits for the answer once the connection is gone.
  bool ends_with_client = false;
  std::stop_source stop;  // ends all of it

  void add(rpc::McpMessage request, const std::shared_ptr<McpSession>& session);
  // Runs once, part after part. Blocks.
  rpc::Json run() const;

  // As the access log has it: the first call of a tool, else the first request.
  rpc::Json description() const;
  // As it is counted, in words of our own: what clients send has no end.
  std::string label() const;
};

}  // namespace msb::server
