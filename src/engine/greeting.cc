// SPDX-License-Identifier: Apache-2.0
#include "engine/greeting.h"

#include <algorithm>
#include <functional>
#include <utility>

namespace msb::engine {
namespace {

using Clock = AgentLink::Clock;

Result<> ask_for_files(Errands& errands, const std::vector<GuestFile>& files) {
  for (const GuestFile& file : files) {
    TRY(errands.ask("write " + file.path, wire::WriteFile{.path = file.path,
                                                          .mode = file.mode,
                                                          .owner = {},
                                                          .content = file.content,
                                                          .in_place = file.in_place}));
  }
  return {};
}

Result<> ask_to_renew(Errands& errands) {
  return errands.ask("draw other random numbers", wire::Renew{});
}

// Makes an agent that was greeted before, and has the interpreters of `warm`, `greeting`'s.
Result<> ask_to_adopt(Errands& errands, const Greeting& greeting,
                      const std::vector<wire::Language>& warm, Adoption adoption) {
  TRY(errands.ask("adopt the configuration",
                  wire::Adopt{.settings = greeting.configuration,
                              .is_rehearsal = adoption == Adoption::kRehearsal}));
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

constexpr const char* kStartCancelled = "the start was cancelled";

// Says hello and whatever else `ask` says; `why` is what a request to stop means.
Result<> converse(AgentLink& link, const std::string& instance_id, const char* why,
                  const std::stop_token& stop, const std::function<Result<>(Errands&)>& ask) {
  const std::stop_callback on_stop(stop, [&] { link.close(Error(ErrorCode::kCancelled, why)); });
  Errands errands(link);
  errands.tell(wire::Hello{.instance_id = instance_id});
  return finish(link, errands, ask(errands));
}

void tell_to_warm(Errands& errands, const std::vector<wire::Language>& languages) {
  for (const wire::Language language : languages) {
    errands.tell(wire::WarmRepl{.language = language});
  }
}

}  // namespace

Result<> greet(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
               const std::stop_token& stop) {
  return converse(link, instance_id, kStartCancelled, stop, [&](Errands& errands) {
    errands.tell(greeting.configuration);
    // Before the files: an interpreter takes longer to start than anything else here.
    tell_to_warm(errands, greeting.warm);
    return ask_for_files(errands, greeting.files);
  });
}

Result<> greet_spare(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                     const std::stop_token& stop) {
  return converse(link, instance_id, "the engine is closing", stop,
                  [&](Errands& errands) -> Result<> {
                    errands.tell(greeting.configuration);
                    for (const wire::Language language : greeting.warm) {
                      TRY(errands.practise(language));
                    }
                    return ask_for_files(errands, greeting.files);
                  });
}

Result<> greet_clone(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                     const std::vector<wire::Language>& warm, const std::stop_token& stop) {
  return converse(link, instance_id, kStartCancelled, stop, [&](Errands& errands) -> Result<> {
    TRY(ask_to_adopt(errands, greeting, warm, Adoption::kFinal));
    // Python has not drawn a number of its own yet.
    const bool has_node = std::ranges::find(warm, wire::Language::kNode) != warm.end();
    return has_node ? ask_to_renew(errands) : Result<>();
  });
}

Result<> greet_copy(AgentLink& link, const std::string& instance_id, const Greeting& greeting,
                    const std::stop_token& stop) {
  return converse(link, instance_id, kStartCancelled, stop, [&](Errands& errands) -> Result<> {
    errands.tell(greeting.configuration);
    TRY(ask_for_files(errands, greeting.files));
    TRY(ask_to_renew(errands));
    tell_to_warm(errands, greeting.warm);
    return {};
  });
}

Result<> renew_interpreters(AgentLink& link) {
  Errands errands(link);
  TRY(ask_to_renew(errands));
  TRY(errands.send());
  return errands.wait(Clock::now() + kGreetingTimeout);
}

Result<Errands> adopt(AgentLink& link, const Greeting& greeting,
                      const std::vector<wire::Language>& warm, Adoption adoption) {
  Errands errands(link);
  TRY(ask_to_adopt(errands, greeting, warm, adoption));
  TRY(errands.send());
  return errands;
}

}  // namespace msb::engine
