// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_http.h"

#include <utility>

#include "server/mcp_responses.h"

namespace msb::server {
namespace {

using rpc::Json;
using Kind = rpc::McpMessage::Kind;

constexpr std::string_view kEventStream = "text/event-stream";

Response unknown_session() {
  return mcp_error(404, {.code = rpc::kInvalidRequest,
                         .text = "Session not found; begin a new one with initialize",
                         .data = nullptr});
}

Response denied() {
  return {.reply = rpc::failure_reply(rpc::Failure::kDenied, "Access denied"), .fields = {}};
}

// What the client wants to be rid of, if that is what it says.
void cancel(const rpc::McpMessage& message, const std::shared_ptr<McpSession>& session) {
  if (session == nullptr || message.method != "notifications/cancelled") {
    return;
  }
  if (const Json* id = rpc::find_present(message.params, "requestId")) {
    session->cancel(*id);
  }
}

// `message` is of the kind that has no session, or wants to be.
bool is_stateless(const RequestHead& head, const rpc::McpMessage& message) {
  if (const std::string* named = rpc::find_request_revision(message)) {
    const auto revision = rpc::find_mcp_revision(*named);
    return !revision || *revision >= rpc::kMcpStatelessRevision;
  }
  return head.mcp.revision == rpc::kMcpStatelessRevision;
}

}  // namespace

McpHttp::Step McpHttp::handle(const RequestHead& head, const rpc::Claims& claims,
                              std::string_view body) const {
  if (head.verb == "POST") {
    return handle_post(head, claims, body);
  }
  if (!head.mcp_session) {
    // Without a session there is nothing to listen to and nothing to delete.
    Response response = mcp_empty(405);
    response.fields.emplace_back("Allow", "POST");
    return response;
  }
  if (head.verb == "DELETE") {
    return sessions_.remove(*head.mcp_session, claims) ? mcp_empty(204) : unknown_session();
  }
  auto session = sessions_.find(*head.mcp_session, claims);
  if (!session) {
    return unknown_session();
  }
  if (!accepts(head.accept, kEventStream)) {
    return mcp_error(406, {.code = rpc::kInvalidRequest,
                           .text = "Accept must name text/event-stream",
                           .data = nullptr});
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
  Response response = mcp_response(200, answer);
  response.fields.emplace_back("Mcp-Session-Id", (*session)->id());
  return response;
}

std::expected<McpHttp::Speaker, Response> McpHttp::find_speaker(
    const RequestHead& head, const rpc::Claims& claims, const rpc::McpMessage* message) const {
  Speaker speaker{.caller = {.claims = claims}, .session = nullptr};
  if (head.mcp_session) {
    speaker.session = sessions_.find(*head.mcp_session, claims);
    if (!speaker.session) {
      return std::unexpected(unknown_session());
    }
    speaker.caller.revision = speaker.session->revision();
    speaker.caller.has_agreed = true;
  }
  const std::string* named = message == nullptr ? nullptr : rpc::find_request_revision(*message);
  if (named == nullptr && head.mcp.revision) {
    named = &*head.mcp.revision;
  }
  if (named == nullptr) {
    return speaker;
  }
  const auto revision = rpc::find_mcp_revision(*named);
  if (!revision) {
    return std::unexpected(mcp_error(400, rpc::refuse_revision(*named)));
  }
  if (!speaker.session) {
    speaker.caller.revision = *revision;
    speaker.caller.has_agreed = true;
  }
  return speaker;
}

McpCall McpHttp::call(McpCaller caller) const {
  McpCall call;
  call.dispatcher = dispatcher_.get();
  call.caller = std::move(caller);
  return call;
}

void McpHttp::follow(McpCall& call, const RequestHead& head) {
  const Json* token = rpc::find_progress_token(call.parts.front().request);
  if (token != nullptr && accepts(head.accept, kEventStream)) {
    call.progress = std::make_shared<McpProgress>(*token);
    call.streams = true;
  }
}

McpHttp::Step McpHttp::handle_post(const RequestHead& head, const rpc::Claims& claims,
                                   std::string_view body) const {
  auto json = rpc::parse_json(body, rpc::kMaxRequestValues);
  if (!json) {
    return mcp_error(400,
                     {.code = rpc::kParseError,
                      .text = "Failed to parse the request body as JSON: " + json.error().message(),
                      .data = nullptr});
  }
  if (json->is_array()) {
    return handle_batch(head, claims, *std::move(json));
  }
  const bool has_version =
      rpc::find_string(*json, "jsonrpc") != nullptr && rpc::find_string(*json, "method") != nullptr;
  auto message = rpc::decode_mcp_message(*std::move(json));
  if (!message) {
    // Another version is an answer like any other; what is no message at all is none.
    return mcp_response(has_version ? 200 : 422, message.error());
  }
  if (is_stateless(head, *message)) {
    return handle_stateless(head, claims, *std::move(message));
  }
  if (message->kind == Kind::kRequest && message->method == "initialize") {
    return initialize(*message, claims);
  }
  auto speaker = find_speaker(head, claims, &*message);
  if (!speaker) {
    return std::move(speaker).error();
  }
  return handle_message(head, *std::move(speaker), *std::move(message));
}

McpHttp::Step McpHttp::handle_message(const RequestHead& head, Speaker speaker,
                                      rpc::McpMessage message) const {
  if (message.kind != Kind::kRequest) {
    cancel(message, speaker.session);
    return mcp_empty(202);
  }
  if (McpDispatcher::is_denied(message, speaker.caller.claims)) {
    return denied();
  }
  if (message.method != "tools/call") {
    return mcp_response(200, dispatcher_->answer(message, speaker.caller, nullptr, {}));
  }
  McpCall tool = call(std::move(speaker.caller));
  // Within a session a client cancels by a message; its connection may come and go. Outside of one
  // a start goes on without its client, who will ask again.
  tool.ends_with_client =
      speaker.session == nullptr && McpDispatcher::tool_of(message) != "sandbox_start";
  tool.add(std::move(message), speaker.session);
  follow(tool, head);
  return tool;
}

McpHttp::Step McpHttp::handle_batch(const RequestHead& head, const rpc::Claims& claims,
                                    Json body) const {
  auto speaker = find_speaker(head, claims, nullptr);
  if (!speaker) {
    return std::move(speaker).error();
  }
  if (speaker->caller.revision != rpc::kMcpBatchRevision) {
    return mcp_error(400, {.code = rpc::kInvalidRequest,
                           .text = "Batches belong to the revision 2025-03-26 alone",
                           .data = nullptr});
  }
  auto batch = rpc::decode_mcp_batch(std::move(body));
  if (!batch) {
    return mcp_response(400, batch.error());
  }
  McpCall all = call(std::move(speaker->caller));
  all.is_batch = true;
  all.refusals = std::move(batch->refusals);
  all.ends_with_client = speaker->session == nullptr;
  for (rpc::McpMessage& message : batch->messages) {
    if (message.kind != Kind::kRequest) {
      cancel(message, speaker->session);
    } else if (McpDispatcher::is_denied(message, claims)) {
      return denied();
    } else {
      all.add(std::move(message), speaker->session);
    }
  }
  if (!all.parts.empty()) {
    return all;
  }
  return all.refusals.empty() ? mcp_empty(202) : mcp_response(200, all.refusals);
}

}  // namespace msb::server
