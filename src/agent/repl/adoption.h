// SPDX-License-Identifier: Apache-2.0
//
// An interpreter that was started before it was known for whom, and what a start now asks of it:
// another environment, another working directory. Most of that can be told to a running
// interpreter. What it has read once and for all while it started cannot, and then it is started
// anew: slower, and never different.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "agent/environment.h"
#include "agent/repl/language.h"
#include "agent/spawn_plan.h"

namespace msb::agent::repl {

// What an interpreter is started with, beyond what the agent itself gives it.
struct Settings {
  Environment env;
  std::string workdir;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

Settings settings_of(const SpawnPlan& plan);

enum class Adoption { kNothingToDo, kTell, kStartAnew };

// How an interpreter that has `had` gets what is `wanted`.
Adoption adoption_of(const LanguageSpec& spec, const Settings& had, const Settings& wanted);

// Whether interpreters, or the libraries beneath them, look at a variable while they start.
bool is_read_at_start(std::string_view variable);

// As the drivers take it: working directory, then KEY=VALUE each, NUL after each.
std::string driver_text_of(const Settings& settings);

}  // namespace msb::agent::repl
