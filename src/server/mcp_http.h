// SPDX-License-Identifier: Apache-2.0
//
// MCP's Streamable HTTP: what a POST, GET or DELETE on /mcp means, given its head and body. What
// takes time is handed back as a call for the transport to run.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <variant>

#include "server/edge.h"
#include "server/mcp_dispatcher.h"
#include "server/mcp_sessions.h"

namespace msb::server {

// A request whose answer may take long. Runs once.
struct McpCall {
  std::shared_ptr<const McpDispatcher> dispatcher;
  rpc::McpMessage request;
  McpCaller caller;
  std::shared_ptr<McpSession> session;  // null: none
  std::shared_ptr<McpSession::Running> running;
  std::shared_ptr<McpProgress> progress;  // null: nobody wants to hear of it
  bool streams = false;                   // the answer goes out as server-sent events

  // Blocks.
  rpc::Json run() const {
    return dispatcher->answer(request, caller, progress.get(), running->stop().get_token());
  }
};

// A GET: events of the server's own, until the session ends. There are none but signs of life.
struct McpListen {
  std::shared_ptr<McpSession> session;
};

class McpHttp {
 public:
  McpHttp(std::shared_ptr<const McpDispatcher> dispatcher, McpSessions& sessions)
      : dispatcher_(std::move(dispatcher)), sessions_(sessions) {}

  using Step = std::variant<Response, McpCall, McpListen>;
  // Does not block.
  Step handle(const RequestHead& head, const rpc::Claims& claims, std::string_view body) const;

 private:
  Step handle_post(const RequestHead& head, const rpc::Claims& claims, std::string_view body) const;
  Response initialize(const rpc::McpMessage& request, const rpc::Claims& claims) const;

  const std::shared_ptr<const McpDispatcher> dispatcher_;
  McpSessions& sessions_;
};

}  // namespace msb::server
