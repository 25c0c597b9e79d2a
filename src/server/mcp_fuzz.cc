// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes as the body of a POST on /mcp, through sessions and dispatcher to a backend that
// needs no sandboxes: whatever comes, the answer is JSON, and the key's namespace is not left.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/check.h"
#include "server/mcp_http.h"
#include "server/testing/memory_backend.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace msb::server;
  namespace rpc = msb::rpc;
  // SAFETY: char and uint8_t alias.
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  testing::MemoryBackend backend;
  const SandboxName foreign{.namespace_name = "foreign", .sandbox = "kept"};
  MSB_CHECK(backend.start(foreign, nullptr, {}, {}).has_value());
  Methods methods(backend, {"/root"});
  McpSessions sessions;
  const McpHttp mcp(std::make_shared<McpDispatcher>(methods, "0"), sessions);
  rpc::Claims claims;
  claims.namespace_name = "own";
  RequestHead head;
  head.verb = "POST";
  head.accept = "text/event-stream";
  const auto session = sessions.create(claims, rpc::kMcpNewestRevision);
  MSB_CHECK(session.has_value());
  for (const bool in_session : {false, true}) {
    if (in_session) {
      head.mcp_session = (*session)->id();
    }
    const auto step = mcp.handle(head, claims, body);
    if (const auto* call = std::get_if<McpCall>(&step)) {
      MSB_CHECK(rpc::parse_json(rpc::to_text(call->run())).has_value());
      if (call->progress) {
        static_cast<void>(call->progress->next());
      }
    } else if (const auto* response = std::get_if<Response>(&step)) {
      MSB_CHECK(response->reply.body.empty() || rpc::parse_json(response->reply.body).has_value());
    }
  }
  const auto left = backend.metrics("foreign");
  MSB_CHECK(left->size() == 1 && left->front().is_running);
  return 0;
}
