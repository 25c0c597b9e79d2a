// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes as a POST on /mcp, through sessions and dispatcher to a backend that needs no
// sandboxes: whatever comes, the answer is JSON, and the key's namespace is not left. Lines that
// begin with a letter and a colon are the header fields that MCP knows; the rest is the body.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/mcp_http.h"
#include "server/testing/memory_backend.h"

namespace {

using namespace msb::server;
namespace rpc = msb::rpc;

std::optional<std::string>* find_field(RequestHead& head, char letter) {
  switch (letter) {
    case 'v':
      return &head.mcp.revision;
    case 'm':
      return &head.mcp.method;
    case 'n':
      return &head.mcp.name;
    default:
      return nullptr;
  }
}

// Takes the field lines off `text`.
RequestHead head_of(std::string_view& text) {
  RequestHead head;
  head.verb = "POST";
  head.accept = "text/event-stream";
  while (text.size() > 1 && text[1] == ':') {
    std::optional<std::string>* field = find_field(head, text[0]);
    const auto end = text.find('\n');
    if (field == nullptr || end == std::string_view::npos) {
      break;
    }
    *field = text.substr(2, end - 2);
    text.remove_prefix(end + 1);
  }
  return head;
}

void check(const McpHttp::Step& step) {
  if (const auto* call = std::get_if<McpCall>(&step)) {
    static_cast<void>(rpc::to_text(call->description()));
    MSB_CHECK(call->label().starts_with("mcp."));
    MSB_CHECK(rpc::parse_json(rpc::to_text(call->run())).has_value());
    if (call->progress) {
      static_cast<void>(call->progress->next());
    }
  } else if (const auto* response = std::get_if<Response>(&step)) {
    MSB_CHECK(response->reply.body.empty() || rpc::parse_json(response->reply.body).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // SAFETY: char and uint8_t alias.
  std::string_view body(reinterpret_cast<const char*>(data), size);
  RequestHead head = head_of(body);
  testing::MemoryBackend backend;
  const SandboxName foreign{.namespace_name = "foreign", .sandbox = "kept"};
  MSB_CHECK(backend.start(foreign, nullptr, {}, {}).has_value());
  Methods methods(backend, {"/root"});
  McpSessions sessions;
  const McpHttp mcp(std::make_shared<McpDispatcher>(methods, "0"), sessions);
  rpc::Claims claims;
  claims.namespace_name = "own";
  check(mcp.handle(head, claims, body));
  for (const auto revision : {rpc::kMcpBatchRevision, rpc::kMcpNewestHandshakeRevision}) {
    const auto session = sessions.create(claims, revision);
    MSB_CHECK(session.has_value());
    head.mcp_session = (*session)->id();
    check(mcp.handle(head, claims, body));
  }
  const auto left = backend.metrics("foreign");
  MSB_CHECK(left->size() == 1 && left->front().is_running);
  return 0;
}
