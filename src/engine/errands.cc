// SPDX-License-Identifier: Apache-2.0
#include "engine/errands.h"

#include <variant>

#include "engine/agent_error.h"

namespace msb::engine {

Result<> Errands::ask(std::string what, wire::FrameType type,
                      const std::vector<std::byte>& payload) {
  auto call = std::make_shared<Call>(Call::Kind::kTask, Call::Wake::kPrompt);
  const std::uint32_t stream = TRY(link_.add(call));
  wire::append_frame(frames_, stream, type, payload);
  open_.push_back({std::move(what), std::move(call)});
  return frames_.size() > AgentLink::kBulkRoomBytes ? send() : Result<>();
}

Result<> Errands::send() {
  return link_.send_bulk(std::exchange(frames_, {}));
}

Result<> Errands::wait(AgentLink::Clock::time_point deadline) {
  for (const Open& errand : std::exchange(open_, {})) {
    Call::Arrived arrived;
    errand.call->wait(link_, arrived, deadline, false);
    if (!arrived.end) {
      return fail(ErrorCode::kUnavailable, "the agent inside the sandbox does not answer");
    }
    if (const auto* error = std::get_if<Error>(&*arrived.end)) {
      return std::unexpected(*error);
    }
    if (const auto* failed = std::get_if<wire::Failed>(&*arrived.end)) {
      return std::unexpected(error_from_agent(*failed).wrap(errand.what));
    }
  }
  return {};
}

}  // namespace msb::engine
