// SPDX-License-Identifier: Apache-2.0
#include "engine/guest_counts.h"

#include <chrono>
#include <optional>
#include <variant>

#include "engine/call.h"
#include "engine/drive.h"

namespace msb::engine {
namespace {

// A guest that does not answer is to hold up nobody for long. An emulated one that is held to a
// part of a core takes tenths of a second.
constexpr std::chrono::seconds kPatience{3};

}  // namespace

std::optional<wire::Measured> ask_guest(AgentLink& link) {
  if (link.is_resting()) {
    return std::nullopt;
  }
  const auto call = std::make_shared<Call>(Call::Kind::kMeasurement, Call::Wake::kPrompt);
  const auto stream = link.add(call);
  if (!stream) {
    return std::nullopt;
  }
  Call::Arrived arrived;
  if (send_empty(link, *stream, wire::FrameType::kMeasure)) {
    call->wait(link, arrived, AgentLink::Clock::now() + kPatience, false);
  }
  if (!arrived.end) {
    link.remove(*stream);
    return std::nullopt;
  }
  const auto* measured = std::get_if<wire::Measured>(&*arrived.end);
  return measured == nullptr ? std::nullopt : std::optional(*measured);
}

wire::Measured GuestCounts::read() {
  const std::optional<wire::Measured> measured = ask_guest(*link_);
  const std::lock_guard lock(mutex_);
  if (measured) {
    latest_ = *measured;
  }
  return latest_;
}

}  // namespace msb::engine
