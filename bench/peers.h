// SPDX-License-Identifier: Apache-2.0
//
// What others need for the same work on this host.
#pragma once

#include <string>
#include <vector>

#include "bench/measure.h"

namespace msb::bench {

// argv[0] is a path. Runs it, reads its output to the end, reaps it.
Contender program(std::string name, std::vector<std::string> argv);

// bubblewrap around the host's /usr, as tight as its options go; nothing if it is not installed.
std::vector<Contender> bubblewrap(const std::vector<std::string>& argv);

}  // namespace msb::bench
