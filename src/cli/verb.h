// SPDX-License-Identifier: Apache-2.0
//
// The verbs of msb. Each is a function in a file of its own, verb_<name>.cc; the table of them is
// in main.cc, and those of verbs that have verbs of their own in theirs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "msb/result.h"

namespace msb::cli {

// The exit status; an error is reported by the caller and ends msb with kOurFailure.
using VerbFunction = Result<int>(Context context, std::vector<std::string> arguments);

VerbFunction run;
VerbFunction eval;
VerbFunction pull;
VerbFunction image;
VerbFunction sandbox_start;
VerbFunction sandbox_stop;
VerbFunction sandbox_pause;
VerbFunction sandbox_resume;
VerbFunction sandbox_snapshot;
VerbFunction sandbox_fork;
VerbFunction sandbox_restore;
VerbFunction sandbox_remove;
VerbFunction sandbox_list;
VerbFunction sandbox_exec;
VerbFunction sandbox_metrics;
VerbFunction sandbox_logs;
VerbFunction server;
VerbFunction mcp;
VerbFunction doctor;
VerbFunction bench;
VerbFunction version;

}  // namespace msb::cli
