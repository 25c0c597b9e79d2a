// SPDX-License-Identifier: Apache-2.0
#include "engine/greeting.h"

#include <algorithm>
#include <utility>

namespace msb::engine {
namespace {

using Clock = AgentLink::Clock;

Result<> ask_for_files(Errands& errands, const std::vector<GuestFile>& files) {
  for (const GuestFile& file : files) {
    TRY(errands.ask(
        "write " + file.path,
        wire::WriteFile{
            .path = file.path, .mode = file.mode, .owner = {}, .content = file.content}));
  }
  return {};
}

Result<> ask_to_renew(Errands& errands) {
  return errands.ask("draw other random numbers", wire::Renew{});
}

// Makes an agent that was greeted before, and has the interpreters of `warm`, `greeting`'s.
Result<> ask_to_adopt(Errands& errands, const Greeting& greeting,
                      const std::vector<wire::Language>& warm) {
  TRY(errands.ask("adopt the configuration", wire::Adopt{greeting.configuration}));
  for (const wire::Language language : greeting.warm) {
    if (std::ranges::find(warm, language) == warm.end()) {
      errands.tell(wire::WarmRepl{.language = language});
    }
  }
  return ask_for_files(errands, greeting.files);
}

// What cannot be sent is explained by why the link was lost, so that is asked first.
Result<> finish(AgentLink& link, Errands& errands, const Result<>& asked) {
  const Clock::time_point deadline = Clock::now() + kGreetingTimeout;
  const Result<> sent = asked ? errands.send() : asked;
  TRY(link.await_hello(deadline));
  TRY(sent);
  return errands.wait(deadline);
}

}  // namespace

Result<> greet(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
               const std::stop_token& stop) {
  const std::stop_callback on_stop(
      stop, [&] { link.close(Error(ErrorCode::kCancelled, "the start was cancelled")); });
  Errands errands(link);
  errands.tell(wire::Hello{.instance_id = instance_id});
  errands.tell(greeting.configuration);
  // Before the files: an interpreter takes longer to start than anything else here.
  for (const wire::Language language : greeting.warm) {
    errands.tell(wire::WarmRepl{.language = language});
  }
  return finish(link, errands, ask_for_files(errands, greeting.files));
}

Result<> greet_spare(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                     const std::stop_token& stop) {
  const std::stop_callback on_stop(
      stop, [&] { link.close(Error(ErrorCode::kCancelled, "the engine is closing")); });
  Errands errands(link);
  errands.tell(wire::Hello{.instance_id = instance_id});
  errands.tell(greeting.configuration);
  Result<> asked;
  for (const wire::Language language : greeting.warm) {
    if (asked) {
      asked = errands.ask("start the interpreter", wire::WarmRepl{.language = language});
    }
  }
  return finish(link, errands, asked);
}

Result<> greet_clone(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                     const std::vector<wire::Language>& warm, const std::stop_token& stop) {
  const std::stop_callback on_stop(
      stop, [&] { link.close(Error(ErrorCode::kCancelled, "the start was cancelled")); });
  Errands errands(link);
  errands.tell(wire::Hello{.instance_id = instance_id});
  Result<> asked = ask_to_adopt(errands, greeting, warm);
  // Python has not drawn a number of its own yet.
  if (asked && std::ranges::find(warm, wire::Language::kNode) != warm.end()) {
    asked = ask_to_renew(errands);
  }
  return finish(link, errands, asked);
}

Result<> greet_copy(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                    const std::stop_token& stop) {
  const std::stop_callback on_stop(
      stop, [&] { link.close(Error(ErrorCode::kCancelled, "the start was cancelled")); });
  Errands errands(link);
  errands.tell(wire::Hello{.instance_id = instance_id});
  errands.tell(greeting.configuration);
  Result<> asked = ask_for_files(errands, greeting.files);
  if (asked) {
    asked = ask_to_renew(errands);
  }
  for (const wire::Language language : greeting.warm) {
    errands.tell(wire::WarmRepl{.language = language});
  }
  return finish(link, errands, asked);
}

Result<> renew_interpreters(AgentLink& link) {
  Errands errands(link);
  TRY(ask_to_renew(errands));
  TRY(errands.send());
  return errands.wait(Clock::now() + kGreetingTimeout);
}

Result<Errands> hand_over(AgentLink& link, const Greeting& greeting,
                          const std::vector<wire::Language>& warm) {
  Errands errands(link);
  TRY(ask_to_adopt(errands, greeting, warm));
  TRY(errands.send());
  return errands;
}

}  // namespace msb::engine
