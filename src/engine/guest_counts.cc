// SPDX-License-Identifier: Apache-2.0
#include "engine/guest_counts.h"

#include <chrono>
#include <variant>

#include "engine/drive.h"

namespace msb::engine {
namespace {

// A guest that does not answer is to hold up nobody's run for long. An emulated one that is held to
// a part of a core takes tenths of a second.
constexpr std::chrono::seconds kPatience{3};

}  // namespace

GuestCounts::Question GuestCounts::ask() {
  if (link_->is_resting()) {
    return {};  // what it last said is still so
  }
  auto call = std::make_shared<Call>(Call::Kind::kMeasurement, Call::Wake::kPrompt);
  const auto stream = link_->add(call);
  if (!stream) {
    return {};
  }
  if (!send_empty(*link_, *stream, wire::FrameType::kMeasure)) {
    link_->remove(*stream);
    return {};
  }
  return {.call = std::move(call), .stream = *stream};
}

wire::Measured GuestCounts::answer(const Question& question) {
  Call::Arrived arrived;
  if (question.call) {
    question.call->wait(*link_, arrived, AgentLink::Clock::now() + kPatience, false);
    if (!arrived.end) {
      link_->remove(question.stream);
    }
  }
  const std::lock_guard lock(mutex_);
  if (arrived.end) {
    if (const auto* measured = std::get_if<wire::Measured>(&*arrived.end)) {
      latest_ = *measured;
    }
  }
  return latest_;
}

}  // namespace msb::engine
