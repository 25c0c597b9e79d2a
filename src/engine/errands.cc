// SPDX-License-Identifier: Apache-2.0
#include "engine/errands.h"

#include <chrono>
#include <variant>

#include "engine/agent_error.h"

namespace msb::engine {
namespace {

// It takes less than a tenth of a second; for an interpreter that is the image's own.
constexpr std::chrono::milliseconds kPracticeLimit{30'000};

}  // namespace

Result<> Errands::ask(std::string what, wire::FrameType type, const std::vector<std::byte>& payload,
                      Call::Kind kind) {
  auto call = std::make_shared<Call>(kind, Call::Wake::kInPortions);
  const std::uint32_t stream = TRY(link_.add(call));
  wire::append_frame(frames_, stream, type, payload);
  open_.push_back({std::move(what), std::move(call)});
  return frames_.size() > AgentLink::kBulkRoomBytes ? send() : Result<>();
}

Result<> Errands::practise(wire::Language language) {
  const wire::Repl run{.language = language,
                       .timeout_ms = static_cast<std::uint64_t>(kPracticeLimit.count()),
                       .is_practice = true};
  return ask("practise a run", wire::Repl::kType, run.encode(), Call::Kind::kRepl);
}

Result<> Errands::send() {
  return link_.send_bulk(std::exchange(frames_, {}));
}

Result<> Errands::wait(AgentLink::Clock::time_point deadline) {
  for (const Open& errand : std::exchange(open_, {})) {
    Call::Arrived arrived;
    do {
      errand.call->wait(link_, arrived, deadline, false);
    } while (!arrived.end && AgentLink::Clock::now() < deadline);
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
