// SPDX-License-Identifier: Apache-2.0
//
// The agent as a process: PID 1 of a sandbox, or a plain process in a test.
#pragma once

#include "base/unique_fd.h"

namespace msb::agent {

// Serves the host on `stream` until it hangs up; then everything that was started is dead. Returns
// the exit status: 0, or 1 when the host broke the protocol or the agent could not run at all.
int run(base::UniqueFd stream);

}  // namespace msb::agent
