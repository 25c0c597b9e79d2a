// SPDX-License-Identifier: Apache-2.0
//
// What makes a spare somebody's.
#pragma once

#include <stop_token>
#include <string>

#include "base/try.h"
#include "engine/greeting.h"
#include "engine/spare.h"

namespace msb::engine {

struct Taker {
  std::string hostname;
  isolation::Limits limits;  // a jail's; a machine keeps its own
  Greeting greeting;
};

// From now on it is the taker's, and awake. After a failure it is of no use to anybody.
Result<> hand_over(Spare& spare, const Taker& taker, const std::stop_token& stop);

// A machine stands still until somebody wants it.
Result<> put_to_rest(Spare& spare);

// Puts a machine to rest that has done once all that will be asked of it: what an emulator meets
// for the first time it translates first, which takes five times as long as doing it.
Result<> rehearse(Spare& spare, const Taker& nobody, const std::stop_token& stop);

}  // namespace msb::engine
