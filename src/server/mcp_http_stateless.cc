// SPDX-License-Identifier: Apache-2.0
//
// A request that stands for itself. It is checked in the order in which a client can mend what is
// wrong: what it must carry, whether its two accounts of the revision agree, whether the revision
// is spoken here, and only then what that revision says of the other header fields.
#include <utility>

#include "server/mcp_http.h"
#include "server/mcp_responses.h"

namespace msb::server {
namespace {

std::optional<rpc::McpRefusal> check(const rpc::McpFields& fields, const rpc::McpMessage& request) {
  if (auto refusal = rpc::check_request_meta(request)) {
    return refusal;
  }
  if (auto refusal = rpc::check_revision_field(fields, request)) {
    return refusal;
  }
  const std::string& named = *rpc::find_request_revision(request);
  if (!rpc::find_mcp_revision(named)) {
    return rpc::refuse_revision(named);
  }
  return rpc::check_other_fields(fields, request);
}

// Requests for what this server has not are told from those for a server that is not here.
int status_of(const rpc::Json& answer) {
  const rpc::Json* error = rpc::find_member(answer, "error");
  return error != nullptr && (*error)["code"] == rpc::kMethodNotFound ? 404 : 200;
}

}  // namespace

McpHttp::Step McpHttp::handle_stateless(const RequestHead& head, const rpc::Claims& claims,
                                        rpc::McpMessage message) const {
  if (message.kind != rpc::McpMessage::Kind::kRequest) {
    return mcp_empty(202);
  }
  if (const auto refusal = check(head.mcp, message)) {
    return mcp_response(400, rpc::mcp_refusal(*refusal, rpc::answer_id(message)));
  }
  if (McpDispatcher::is_denied(message, claims)) {
    return Response{.reply = rpc::failure_reply(rpc::Failure::kDenied, "Access denied"),
                    .fields = {}};
  }
  McpCaller caller{.claims = claims, .revision = rpc::kMcpStatelessRevision, .has_agreed = true};
  if (message.method != "tools/call") {
    const rpc::Json answer = dispatcher_->answer(message, caller, nullptr, {});
    return mcp_response(status_of(answer), answer);
  }
  McpCall tool = call(std::move(caller));
  // That the client closes is how it cancels.
  tool.ends_with_client = true;
  tool.add(std::move(message), nullptr);
  follow(tool, head);
  return tool;
}

}  // namespace msb::server
