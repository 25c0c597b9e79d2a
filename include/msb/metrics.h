// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace msb {

// One reading of a sandbox. A sandbox that is not running has zeros but for disk_bytes.
struct Metrics {
  std::string name;
  std::string namespace_;
  bool is_running = false;      // what the kernel says, not what a file says
  bool is_paused = false;       // running, and standing still: see Sandbox::pause()
  std::string isolation;        // the walls it has; empty: not running, or its server does not say
  double cpu_percent = 0.0;     // of one core, over the time since the previous reading (or since
                                // the start); may exceed 100
  std::int64_t memory_mib = 0;  // held by the sandbox's processes; page cache not counted
  std::int64_t disk_bytes = 0;  // in the writable layer
};

}  // namespace msb
