// SPDX-License-Identifier: Apache-2.0
//
// What a sandbox with a kernel of its own says of itself: how much memory and disk it uses, and
// which of its limits it has met, none of which the host's kernel sees. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>

#include "engine/agent_link.h"
#include "engine/call.h"
#include "wire/messages.h"

namespace msb::engine {

class GuestCounts {
 public:
  explicit GuestCounts(std::shared_ptr<AgentLink> link) : link_(std::move(link)) {}

  struct Question {
    std::shared_ptr<Call> call;  // null: it could not be asked
    std::uint32_t stream = 0;
  };
  // Asks for the counts of now, and does not wait for them.
  Question ask();
  // The answer to that; the latest one to anybody when it does not come in time.
  wire::Measured answer(const Question& question);
  wire::Measured read() { return answer(ask()); }

 private:
  const std::shared_ptr<AgentLink> link_;
  std::mutex mutex_;  // guards what follows
  wire::Measured latest_;
};

}  // namespace msb::engine
