// SPDX-License-Identifier: Apache-2.0
//
// Everything on the host that sandboxes of one home and this process could leave behind.
#pragma once

#include <sys/types.h>

#include <set>
#include <string>

namespace msb::contract {

// Children, their children, ...
std::set<pid_t> descendants_of(pid_t pid);
std::string process_name(pid_t pid);

class HostTraces {
 public:
  // `home`: the engine's. Processes, descriptors and listeners are this process's and its
  // descendants'; mounts, loop devices, cgroups and folders are those that name the home or one of
  // its engines.
  static HostTraces take(const std::string& home);

  // What is here and was not there before, a line each; empty: nothing.
  std::string difference(const HostTraces& before) const;

 private:
  std::set<std::string> traces_;
};

}  // namespace msb::contract
