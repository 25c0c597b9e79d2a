// SPDX-License-Identifier: Apache-2.0
//
// The pieces of work, one in each file. Each adds what it found to the report.
#pragma once

#include "bench/field.h"
#include "bench/report.h"

namespace msb::bench {

using Part = Result<>(const Field& field, Report& report);

Part first_result;  // start -> print('hi'), and until nothing is left
Part running_one;   // commands, code and metrics in a running sandbox; stop
Part alone;         // the same of ours without anybody between: what p99 is
Part throughput;    // create -> run -> destroy on all cores
Part together;      // 60 started at once
Part bulk_output;   // bytes of a command
Part neighbours;    // small runs while bulk output is under way
Part idle_memory;   // of a Python that waits
Part tiers;         // all of that in short, within each tier's walls
Part growth;        // 1, 10, 100, 1,000 sandboxes

}  // namespace msb::bench
