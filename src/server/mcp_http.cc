// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_http.h"

#include <utility>

namespace msb::server {
namespace {

using rpc::Json;
using Kind = rpc::McpMessage::Kind;

constexpr std::string_view kEventStream = "text/event-stream";

Response json_response(int status, const Json& body) {
  return {.reply = {.status = status, .code = 0, .body = rpc::to_text(body)}, .fields = {}};
}

Response error_response(int status, int code, std::string_view text) {
  Response response = json_response(status, rpc::error_object(code, text, Json()));
  response.reply.code = code;
  return response;
}

Response empty_response(int status) {
  return {.reply = {.status = status, .code = 0, .body = {}}, .content_type = {}, .fields = {}};
}

Response unknown_session() {
  return error_response(404, rpc::kInvalidRequest,
                        "Session not found; begin a new one with initialize");
}

}  // namespace

McpHttp::Step McpHttp::handle(const RequestHead& head, const rpc::Claims& claims,
                              std::string_view body) const {
  if (head.verb == "POST") {
    return handle_post(head, claims, body);
  }
  if (!head.mcp_session) {
    // Without a session there is nothing to listen to and nothing to delete.
    Response response = empty_response(405);
    response.fields.emplace_back("Allow", "POST");
    return response;
  }
  if (head.verb == "DELETE") {
    return sessions_.remove(*head.mcp_session, claims) ? empty_response(204) : unknown_session();
  }
  auto session = sessions_.find(*head.mcp_session, claims);
  if (!session) {
    return unknown_session();
  }
  if (!accepts(head.accept, kEventStream)) {
    return error_response(406, rpc::kInvalidRequest, "Accept must name text/event-stream");
  }
  return McpListen{.session = std::move(session)};
}

Response McpHttp::initialize(const rpc::McpMessage& request, const rpc::Claims& claims) const {
  const Json answer = dispatcher_->answer(request, {.claims = claims}, nullptr, {});
  const auto revision =
      rpc::find_mcp_revision(answer["result"]["protocolVersion"].get<std::string>());
  const auto session = sessions_.create(claims, revision.value_or(rpc::kMcpAssumedRevision));
  if (!session) {
    return {.reply = rpc::failure_reply(rpc::Failure::kBusy, session.error().message()),
            .fields = {}};
  }
  Response response = json_response(200, answer);
  response.fields.emplace_back("Mcp-Session-Id", (*session)->id());
  return response;
}

McpHttp::Step McpHttp::handle_post(const RequestHead& head, const rpc::Claims& claims,
                                   std::string_view body) const {
  auto json = rpc::parse_json(body);
  if (!json) {
    return error_response(400, rpc::kParseError,
                          "Failed to parse the request body as JSON: " + json.error().message());
  }
  const bool has_version =
      rpc::find_string(*json, "jsonrpc") != nullptr && rpc::find_string(*json, "method") != nullptr;
  auto message = rpc::decode_mcp_message(*std::move(json));
  if (!message) {
    // Another version is an answer like any other; what is no message at all is none.
    return json_response(has_version ? 200 : 422, message.error());
  }
  if (message->kind == Kind::kRequest && message->method == "initialize") {
    return initialize(*message, claims);
  }
  McpCaller caller{.claims = claims};
  std::shared_ptr<McpSession> session;
  if (head.mcp_session) {
    session = sessions_.find(*head.mcp_session, claims);
    if (!session) {
      return unknown_session();
    }
    caller.revision = session->revision();
  }
  if (head.mcp_revision) {
    const auto revision = rpc::find_mcp_revision(*head.mcp_revision);
    if (!revision) {
      return error_response(400, rpc::kInvalidRequest,
                            "Unsupported MCP-Protocol-Version; this server speaks 2024-11-05 to " +
                                std::string(rpc::kMcpNewestRevision));
    }
    if (!session) {
      caller.revision = *revision;
    }
  }
  if (message->kind != Kind::kRequest) {
    if (session && message->method == "notifications/cancelled") {
      if (const Json* id = rpc::find_present(message->params, "requestId")) {
        session->cancel(*id);
      }
    }
    return empty_response(202);
  }
  if (McpDispatcher::is_denied(*message, claims)) {
    return Response{.reply = rpc::failure_reply(rpc::Failure::kDenied, "Access denied"),
                    .fields = {}};
  }
  if (message->method != "tools/call") {
    return json_response(200, dispatcher_->answer(*message, caller, nullptr, {}));
  }
  McpCall call{.dispatcher = dispatcher_,
               .request = *std::move(message),
               .caller = std::move(caller),
               .session = session,
               .running = nullptr,
               .progress = nullptr};
  call.running = std::make_shared<McpSession::Running>(std::move(session), *call.request.id);
  const Json* token = rpc::find_progress_token(call.request);
  if (token != nullptr && accepts(head.accept, kEventStream)) {
    call.progress = std::make_shared<McpProgress>(*token);
    call.streams = true;
  }
  return call;
}

}  // namespace msb::server
