// SPDX-License-Identifier: Apache-2.0
//
// What msb itself has to say, on stderr, so that stdout belongs to the command.
#pragma once

#include <string_view>

#include "msb/error.h"
#include "msb/execution.h"

namespace msb::cli {

// Where msb, not the command, failed.
inline constexpr int kOurFailure = 125;

// "msb: <verb>: <text>\n" in one write.
void say(std::string_view verb, std::string_view text);

// The error's message, and what can be done about it where we know.
void say_error(std::string_view verb, const Error& error);

// The status for a command that could not be run, or not to its end.
int command_status(const Error& error);

// Which limits were hit while something ran, and the option that raises each.
void say_limits(std::string_view verb, const LimitsHit& limits);

}  // namespace msb::cli
