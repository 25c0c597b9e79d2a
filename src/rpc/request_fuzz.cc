// SPDX-License-Identifier: Apache-2.0
//
// Foreign bytes through everything that reads a request: no crash, and whatever is accepted can be
// written again.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "rpc/mcp.h"
#include "rpc/params.h"
#include "rpc/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace rpc = msb::rpc;
  // SAFETY: char and uint8_t alias.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto body = rpc::parse_json(text);
  if (!body) {
    return 0;
  }
  MSB_CHECK(rpc::parse_json(rpc::to_text(*body)).has_value());
  if (const auto message = rpc::decode_mcp_message(*body)) {
    static_cast<void>(rpc::find_progress_token(*message));
    static_cast<void>(rpc::decode_tool_call(message->params));
    static_cast<void>(rpc::mcp_prompt(message->method, message->params, "default"));
  }
  const auto request = rpc::decode_request(*std::move(body));
  if (!request) {
    return 0;
  }
  const rpc::Json* params = request->params ? &*request->params : nullptr;
  static_cast<void>(rpc::decode_start(params));
  static_cast<void>(rpc::decode_target(params, "sandbox.stop"));
  static_cast<void>(rpc::decode_metrics(params));
  static_cast<void>(rpc::decode_log(params));
  if (rpc::decode_run_target(params)) {
    static_cast<void>(rpc::decode_code(*params));
    static_cast<void>(rpc::decode_command(*params));
  }
  const rpc::Reply reply = rpc::result_reply("done", request->id);
  MSB_CHECK(rpc::parse_json(reply.body).has_value());
  return 0;
}
