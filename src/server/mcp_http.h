// SPDX-License-Identifier: Apache-2.0
//
// MCP's Streamable HTTP: what a POST, GET or DELETE on /mcp means, given its head and body. What
// takes time is handed back as a call for the transport to run.
//
// Two kinds of client come by the same path. Those up to 2025-11-25 begin with a handshake and may
// have a session (mcp_http.cc); those after it say with each request all there is to know of them
// (mcp_http_stateless.cc). Each request tells by itself which kind it is of.
#pragma once

#include <expected>
#include <memory>
#include <string_view>
#include <variant>

#include "server/edge.h"
#include "server/mcp_call.h"

namespace msb::server {

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
  // Who speaks, and in which session; null: in none.
  struct Speaker {
    McpCaller caller;
    std::shared_ptr<McpSession> session;
  };

  Step handle_post(const RequestHead& head, const rpc::Claims& claims, std::string_view body) const;
  Step handle_message(const RequestHead& head, Speaker speaker, rpc::McpMessage message) const;
  Step handle_batch(const RequestHead& head, const rpc::Claims& claims, rpc::Json body) const;
  Step handle_stateless(const RequestHead& head, const rpc::Claims& claims,
                        rpc::McpMessage message) const;
  std::expected<Speaker, Response> find_speaker(const RequestHead& head, const rpc::Claims& claims,
                                                const rpc::McpMessage* message) const;
  Response initialize(const rpc::McpMessage& request, const rpc::Claims& claims) const;
  McpCall call(McpCaller caller) const;
  // Lets the client hear of the progress of `call`, if it wants to and can.
  static void follow(McpCall& call, const RequestHead& head);

  const std::shared_ptr<const McpDispatcher> dispatcher_;
  McpSessions& sessions_;
};

}  // namespace msb::server
