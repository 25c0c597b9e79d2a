// SPDX-License-Identifier: Apache-2.0
//
// A machine's first seconds: from the kernel's own root to file systems and devices.
#pragma once

#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::microvm {

// Of the initramfs, which is made by initramfs.h.
inline constexpr const char* kAgentFile = "/msb-agent";
inline constexpr const char* kModulesFolder = "/modules";  // loaded in the order of their names

// Where the machine's own root, which is no sandbox's, has what others need.
inline constexpr const char* kStagingFolder = "/staging";
inline constexpr const char* kBootIdFile = "/boot_id";

struct Booted {
  base::UniqueFd agent;    // msb-agent, to be executed
  base::UniqueFd control;  // the port to msb-vm
  base::UniqueFd stream;   // the agent's
};

// Loads the modules, leaves the initramfs (which nobody may pivot away from), mounts /dev, /proc,
// /sys and cgroups, and opens the ports.
Result<Booted> boot();

}  // namespace msb::isolation::microvm
