// SPDX-License-Identifier: Apache-2.0
#include "engine/handover.h"

#include <utility>
#include <vector>

#include "engine/gauges.h"
#include "engine/guest_counts.h"
#include "engine/guest_environment.h"
#include "isolation/machine_orders.h"

namespace msb::engine {
namespace {

// What the agent and the warden, or the machine, have to do at the same time.
Result<> tell_all(Spare::Parts& parts, const Taker& taker, Adoption adoption,
                  const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [&parts] {
    parts.link->close(Error(ErrorCode::kCancelled, "the start was cancelled"));
  });
  Greeting greeting = taker.greeting;
  const std::vector<GuestFile> files =
      parts.orders ? TRY(identity_files(taker.hostname)) : name_files(taker.hostname);
  greeting.files.insert(greeting.files.begin(), files.begin(), files.end());
  if (parts.orders) {
    TRY(isolation::move_machine(parts.orders.get(), isolation::Motion::kFree));
    parts.link->end_rest();
  }
  Errands errands = TRY(adopt(*parts.link, greeting, parts.warm, adoption));
  TRY(parts.orders
          ? isolation::rename_machine(parts.orders.get(), taker.hostname)
          : parts.warden->adjust(parts.id, {.hostname = taker.hostname, .limits = taker.limits}));
  return errands.wait(AgentLink::Clock::now() + kGreetingTimeout);
}

}  // namespace

Result<> hand_over(Spare& spare, const Taker& taker, const std::stop_token& stop) {
  return tell_all(spare.parts(), taker, Adoption::kFinal, stop);
}

Result<> put_to_rest(Spare& spare) {
  spare.parts().link->begin_rest();
  return isolation::move_machine(spare.parts().orders.get(), isolation::Motion::kFrozen);
}

Result<> rehearse(Spare& spare, const Taker& nobody, const std::stop_token& stop) {
  TRY(put_to_rest(spare));
  Taker somebody = nobody;
  somebody.greeting.configuration.env.emplace_back("MSB_REHEARSAL=1");  // of their own
  Spare::Parts& parts = spare.parts();
  TRY(tell_all(parts, somebody, Adoption::kRehearsal, stop));
  TRY(tell_all(parts, nobody, Adoption::kRehearsal, stop));
  Errands errands(*parts.link);
  for (const wire::Language language : parts.warm) {
    TRY(errands.practise(language));  // once more: settings may have begun with other interpreters
  }
  TRY(errands.send());
  TRY(errands.wait(AgentLink::Clock::now() + kGreetingTimeout));
  if (const auto counted = ask_guest(*parts.link)) {
    parts.disk_base_bytes = used_disk_bytes(*counted);
  }
  return put_to_rest(spare);
}

}  // namespace msb::engine
