// SPDX-License-Identifier: Apache-2.0
//
// Which processes belong together, and what memory they hold.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace msb::bench {

// The process and everything that descends from it, as they are now.
std::vector<pid_t> tree_of(pid_t root);
// Those with this word among their arguments.
std::vector<pid_t> processes_with_argument(const std::string& word);

struct Memory {
  double private_mib = 0;  // pages of no other process
  double pss_mib = 0;      // and of shared ones their share
  double kernel_mib = 0;   // what the kernel has charged to their cgroups for itself
};
// Of those that live. The kernel's part leaves out the cgroup that this process is in.
Memory memory_of(const std::vector<pid_t>& processes);

}  // namespace msb::bench
