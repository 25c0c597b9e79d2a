// SPDX-License-Identifier: Apache-2.0
//
// Moves one call from its request to its end in the calling thread: passes output on, grants
// credit for it, feeds input, cancels, and sees to it that the wait ends. The agent keeps the time
// limit; should it not, the link is closed a little later.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

#include "engine/agent_link.h"
#include "engine/call.h"

namespace msb::engine {

using OutputSink = std::function<void(Channel channel, std::string_view bytes)>;

// What the agent may take, beyond a run's own time limit or after kCancel, to report the end.
inline constexpr std::chrono::seconds kAgentGrace{15};

struct DriveOptions {
  std::chrono::milliseconds timeout{0};  // zero: none
  std::stop_token stop;
  std::string_view input;            // sent as kData
  bool ends_input = false;           // kEnd follows `input`
  std::function<void()> on_started;  // exec only, with Wake::kPrompt
};

struct Driven {
  Call::End end;
  std::uint64_t dropped_bytes = 0;
  std::optional<wire::LimitsMet> limits;
};

// `sink` may be empty: output is then taken and thrown away.
Driven drive(AgentLink& link, Call& call, std::uint32_t stream, const OutputSink& sink,
             const DriveOptions& options);

// Sends `bytes` as kData frames as far as the call's credit goes; how much was sent.
Result<std::size_t> send_input(AgentLink& link, Call& call, std::uint32_t stream,
                               std::string_view bytes);

// A frame without payload.
Result<> send_empty(AgentLink& link, std::uint32_t stream, wire::FrameType type);

}  // namespace msb::engine
