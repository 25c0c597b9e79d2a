// SPDX-License-Identifier: Apache-2.0
//
// What every stream works with. All of it outlives the streams.
#pragma once

#include <cstdint>
#include <functional>

#include "agent/children.h"
#include "agent/discard.h"
#include "agent/event_loop.h"
#include "agent/host_link.h"
#include "wire/messages.h"

namespace msb::agent {

struct Context {
  EventLoop& loop;
  HostLink& link;
  Children& children;
  Discard& discard;
  const wire::Configure& settings;
  // Ends a stream that has sent its last frame. It is destroyed at the end of the loop's turn.
  std::function<void(std::uint32_t stream)> close_stream;
};

// How long an answer after a kill may wait for the host to take the output, or for the kernel to
// let the process die, before it goes out without.
inline constexpr std::chrono::milliseconds kAnswerGrace{1000};

}  // namespace msb::agent
