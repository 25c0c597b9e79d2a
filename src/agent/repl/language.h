// SPDX-License-Identifier: Apache-2.0
//
// What differs between the interpreters.
#pragma once

#include <array>
#include <string_view>

#include "wire/messages.h"

namespace msb::agent::repl {

struct LanguageSpec {
  std::string_view name;                     // for messages
  std::array<std::string_view, 2> programs;  // looked for on PATH, in this order
  std::array<std::string_view, 3> arguments;
  std::string_view driver;   // sent over the control socket, where `arguments` read it from
  std::string_view renewal;  // sent to one that is a copy, see the drivers
  // One line that does what most runs do, binds no name and ends at once.
  std::string_view practice;
  // True: each run brings its own pipes. False: the interpreter has one pair for life.
  bool pipes_per_run;
  // Whether a change of its working directory makes it what it would be had it begun there.
  bool follows_chdir;
};

const LanguageSpec& spec_of(wire::Language language);

}  // namespace msb::agent::repl
