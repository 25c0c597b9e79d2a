// SPDX-License-Identifier: Apache-2.0
#include "engine/handover.h"

#include <utility>
#include <vector>

#include "engine/gauges.h"
#include "engine/guest_environment.h"
#include "isolation/machine_orders.h"

namespace msb::engine {
namespace {

// What the agent and the warden, or the machine, have to do at the same time.
Result<> tell_all(Spare::Parts& parts, const Taker& taker) {
  Greeting greeting = taker.greeting;
  std::vector<GuestFile> files = name_files(taker.hostname);
  if (parts.orders) {
    TRY(isolation::move_machine(parts.orders.get(), isolation::Motion::kFree));
    parts.link->end_rest();
    files.push_back(TRY(machine_id_file()));
  }
  greeting.files.insert(greeting.files.begin(), files.begin(), files.end());
  Errands errands = TRY(adopt(*parts.link, greeting, parts.warm));
  TRY(parts.orders ? isolation::rename_machine(parts.orders.get(), taker.hostname)
                   : parts.warden->adjust(
                         parts.id, {.hostname = taker.hostname, .limits = taker.limits}));
  return errands.wait(AgentLink::Clock::now() + kGreetingTimeout);
}

}  // namespace

Result<> hand_over(Spare& spare, const Taker& taker, const std::stop_token& stop) {
  Spare::Parts& parts = spare.parts();
  const std::stop_callback on_stop(stop, [&parts] {
    parts.link->close(Error(ErrorCode::kCancelled, "the start was cancelled"));
  });
  return tell_all(parts, taker);
}

Result<> put_to_rest(Spare& spare) {
  spare.parts().link->begin_rest();
  return isolation::move_machine(spare.parts().orders.get(), isolation::Motion::kFrozen);
}

Result<> rehearse(Spare& spare, const Taker& nobody, const std::stop_token& stop) {
  TRY(put_to_rest(spare));
  Taker somebody = nobody;
  somebody.greeting.configuration.env.emplace_back("MSB_REHEARSAL=1");  // of their own
  TRY(hand_over(spare, somebody, stop));
  TRY(hand_over(spare, nobody, stop));
  Spare::Parts& parts = spare.parts();
  parts.disk_base_bytes =
      Gauges({}, parts.limits, parts.folder, 0, parts.link).note_disk_base();
  return put_to_rest(spare);
}

}  // namespace msb::engine
