// SPDX-License-Identifier: Apache-2.0
#include "server/rpc_http.h"

#include <utility>

namespace msb::server {

Methods::Outcome RpcCall::outcome(Methods& methods, const CallHooks& hooks) const {
  static const rpc::Json kNone;  // no method tells null from absent
  return methods.call(method, request.params ? &*request.params : &kNone, hooks);
}

rpc::Reply RpcCall::run(Methods& methods, const CallHooks& hooks) const {
  auto result = outcome(methods, hooks);
  if (!result) {
    return reply_of(result.error());
  }
  return rpc::result_reply(*std::move(result), request.id, message);
}

LateReply RpcCall::run_late(Methods& methods, const CallHooks& hooks) const {
  auto result = outcome(methods, hooks);
  if (!result) {
    const MethodFailure& failure = result.error();
    return {.whole = reply_of(failure),
            .last_line = rpc::to_text(rpc::late_failure(failure.kind, failure.error, request.id))};
  }
  const rpc::Reply reply = rpc::result_reply(*std::move(result), request.id);
  return {.whole = reply, .last_line = reply.body};
}

std::variant<Response, RpcCall> prepare_rpc(Route route, const rpc::Claims& claims,
                                            std::string_view body, AccessEntry& entry) {
  const bool scoped = claims.namespace_name != rpc::kAllNamespaces;
  auto json = rpc::parse_json(body, rpc::kMaxRequestValues);
  if (!json) {
    const char* text =
        scoped ? "Invalid JSON-RPC request: " : "Failed to parse the request body as JSON: ";
    return Response{
        .reply = rpc::failure_reply(rpc::Failure::kMalformedJson, text + json.error().message()),
        .fields = {}};
  }
  describe(entry, *json);
  if (auto refused = check_scope(claims, *json)) {
    return Response{.reply = *std::move(refused), .fields = {}};
  }
  auto request = rpc::decode_request(*std::move(json));
  if (!request) {
    return Response{.reply = std::move(request).error(), .fields = {}};
  }
  const auto method = find_method(request->method);
  if (!method) {
    return Response{.reply = rpc::error_reply(404, rpc::kMethodNotFound,
                                              "Method not found: " + request->method, request->id),
                    .fields = {}};
  }
  const bool wants_message =
      route == Route::kRpcAlias && (*method == Method::kStart || *method == Method::kStop);
  return RpcCall{.method = *method,
                 .request = *std::move(request),
                 .message = wants_message ? rpc::Message::kCopyOfResult : rpc::Message::kAbsent};
}

}  // namespace msb::server
