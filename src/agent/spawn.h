// SPDX-License-Identifier: Apache-2.0
//
// Starting a process for the guest: in a session of its own, as the wanted user, with nothing of
// the agent's but the descriptors it is given.
#pragma once

#include <sys/types.h>

#include "agent/spawn_plan.h"
#include "base/try.h"

namespace msb::agent {

// The new process's id. An exec that fails is an error with its errno: kNotFound,
// kPermissionDenied (also for a file of unknown format), kTooManyProcesses, kOutOfMemory, ...
Result<pid_t> spawn(const SpawnPlan& plan);

// Raises the agent's own limit on descriptors as far as it goes; children keep the old one.
void use_all_descriptors();

}  // namespace msb::agent
