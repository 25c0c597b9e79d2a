// SPDX-License-Identifier: Apache-2.0
//
// A command in a sandbox, wherever that is, as if it ran here:
//
//   stdin   ─► InputPump ─► command
//   output  ◄─ OutputWriter (callback of the SDK)
//   signals ─► Interrupts ─► command, or the end
#pragma once

#include <functional>
#include <span>
#include <string>

#include "cli/interrupts.h"
#include "msb/result.h"
#include "msb/sandbox.h"

namespace msb::cli {

// The command gets a terminal like ours, which becomes raw while it runs. `envs` are the variables
// that the user has chosen: TERM may be one.
void add_terminal(SpawnOptions& options, std::span<const std::string> envs);

// Spawns the command with these options and stays until it ends. Our stdin goes to it if it is
// open there.
using Spawn = std::function<Result<Process>(const SpawnOptions& options)>;
Result<CommandExecution> converse(const Spawn& spawn, const SpawnOptions& options,
                                  Interrupts& interrupts);

}  // namespace msb::cli
