// SPDX-License-Identifier: Apache-2.0
//
// Many threads that make, use and destroy sandboxes. Each call is watched, each answer checked.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "msb/msb.h"
#include "tally.h"
#include "watchdog.h"

namespace msb::soak {

struct LoadOptions {
  // Where the sandboxes are made: in turn. Engines of this program, or servers.
  std::vector<SandboxOptions> where;
  int threads = 4;
  // A run may last this long, so that a fault meets it.
  std::chrono::milliseconds work{0};
  std::chrono::milliseconds timeout{0};  // of each run
  bool uses_node = true;
};

// Until `enough` says so; it is asked before each new sandbox.
void run_load(const LoadOptions& options, Tally& tally, Watchdog& watchdog,
              const std::function<bool()>& enough);

// `place`: one of options.where. One sandbox from start to stop: whether everything worked.
bool use_one(const LoadOptions& options, std::size_t place, unsigned number, Tally& tally,
             Watchdog& watchdog);

}  // namespace msb::soak
