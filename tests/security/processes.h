// SPDX-License-Identifier: Apache-2.0
//
// Processes inside sandboxes, as the host sees them.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

namespace msb::security {

// Those whose command line, its arguments separated by spaces, begins with `text`.
std::set<pid_t> processes_with(const std::string& text);

// Those whose name (comm) it is.
std::set<pid_t> processes_named(const std::string& name);

}  // namespace msb::security
