// SPDX-License-Identifier: Apache-2.0
//
// What a sandbox with a kernel of its own says of itself: how much memory and disk it uses, which
// the host's kernel does not see. Thread-safe.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "engine/agent_link.h"
#include "wire/messages.h"

namespace msb::engine {

// Of now. Nothing: it does not answer in time, or stands still.
std::optional<wire::Measured> ask_guest(AgentLink& link);

class GuestCounts {
 public:
  explicit GuestCounts(std::shared_ptr<AgentLink> link) : link_(std::move(link)) {}

  // Of now, or the latest that there were.
  wire::Measured read();

 private:
  const std::shared_ptr<AgentLink> link_;
  std::mutex mutex_;  // guards what follows
  wire::Measured latest_;
};

}  // namespace msb::engine
