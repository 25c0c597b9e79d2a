// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>

#include "base/try.h"
#include "engine/gauges.h"
#include "wire/messages.h"

namespace msb::engine {

// "2", "1.5": as short as the value allows.
std::string seconds_text(std::chrono::milliseconds duration);

// Lines for stderr that tell how an interpreter ended a run; empty when the run just ended.
std::string explain_code_end(const wire::ReplDone& done, std::chrono::milliseconds timeout,
                             const LimitsHit& limits);

// What the wire cannot carry is refused here, by name. kInvalidArgument.
Result<> check_exec(const wire::Exec& exec);

}  // namespace msb::engine
