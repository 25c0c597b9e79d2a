// SPDX-License-Identifier: Apache-2.0
//
// How the agent recognises everything that came from one exec or interpreter, and kills it.
//
// A process group or a session is left with setsid(), a parent with a double fork, and the
// environment of another user's process cannot be read. Resource limits are inherited by all of
// them and readable in /proc/<pid>/limits by everybody. RLIMIT_RTTIME only matters to real-time
// scheduling, which needs a privilege that sandboxes do not have: its value carries the mark.
// A process can lower its own limit and slip away; it then lives until the sandbox stops, as any
// process of a guest may.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace msb::agent {

// Different for every call, and for every agent that runs on a host.
std::uint64_t new_mark();

// Ends the session led by `leader` and every process that carries `mark`, with SIGKILL. `leader`
// must not have been reaped yet, or be 0 if there is none any more.
void kill_marked(pid_t leader, std::uint64_t mark);
// The same for every mark this agent ever gave out.
void kill_all_marked();

}  // namespace msb::agent
