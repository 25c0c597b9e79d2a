// SPDX-License-Identifier: Apache-2.0
#include "server/mcp_call.h"

#include <algorithm>
#include <utility>

namespace msb::server {

using rpc::Json;

void McpCall::add(rpc::McpMessage request, const std::shared_ptr<McpSession>& session) {
  auto running = std::make_shared<McpSession::Running>(session, rpc::answer_id(request));
  parts.push_back({.request = std::move(request), .running = std::move(running)});
}

Json McpCall::run() const {
  Json answers = refusals;
  for (const Part& part : parts) {
    std::stop_source& own = part.running->stop();
    const std::stop_callback link(stop.get_token(), [&own] { own.request_stop(); });
    answers.push_back(dispatcher->answer(part.request, caller, progress.get(), own.get_token()));
  }
  return is_batch ? answers : std::move(answers.front());
}

Json McpCall::description() const {
  const auto calls_tool = [](const Part& part) { return part.request.method == "tools/call"; };
  auto described = std::ranges::find_if(parts, calls_tool);
  if (described == parts.end()) {
    described = parts.begin();
  }
  const rpc::McpMessage& request = described->request;
  return {{"method", request.method}, {"id", rpc::answer_id(request)}, {"params", request.params}};
}

std::string McpCall::label() const {
  const std::string_view tool = McpDispatcher::tool_of(parts.front().request);
  return "mcp." + std::string(is_batch ? "batch" : tool.empty() ? "unknown" : tool);
}

}  // namespace msb::server
