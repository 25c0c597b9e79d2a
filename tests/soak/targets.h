// SPDX-License-Identifier: Apache-2.0
//
// The processes that a soak may kill, found in /proc beneath the program that runs the engines.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace msb::soak {

enum class Target { kAgent, kRepl, kWarden };

std::vector<pid_t> find_targets(pid_t program, Target target);

// The second process: `count` signals to random targets beneath `program`, some milliseconds apart;
// then it ends, with a line for each on standard output. A killed target that was gone already does
// not count. Status 0.
int run_killer(pid_t program, Target target, int signal_number, int count, unsigned seed);

// As an argument of that process: "agent", "repl", "warden".
std::string name_of(Target target);

}  // namespace msb::soak
