// SPDX-License-Identifier: Apache-2.0
//
// Several small requests to an agent that go out together and are then waited for together: what a
// start is made of.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/agent_link.h"
#include "engine/call.h"

namespace msb::engine {

class Errands {
 public:
  explicit Errands(AgentLink& link) : link_(link) {}

  // Something that is not answered.
  template <typename Message>
  void tell(const Message& message) {
    wire::append_frame(frames_, 0, Message::kType, message.encode());
  }
  // Something that is done or fails; `what` names it in the error.
  template <typename Message>
  Result<> ask(std::string what, const Message& message) {
    return ask(std::move(what), Message::kType, message.encode());
  }

  // A run for practice (wire::Repl); how it ends is nobody's business, that it does is waited for.
  Result<> practise(wire::Language language);

  // What has not gone out by itself goes now.
  Result<> send();
  // Returns when all is done, with the first failure.
  Result<> wait(AgentLink::Clock::time_point deadline);

 private:
  struct Open {
    std::string what;
    std::shared_ptr<Call> call;
  };
  Result<> ask(std::string what, wire::FrameType type, const std::vector<std::byte>& payload,
               Call::Kind kind = Call::Kind::kTask);

  AgentLink& link_;
  std::vector<std::byte> frames_;
  std::vector<Open> open_;
};

}  // namespace msb::engine
