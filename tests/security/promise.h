// SPDX-License-Identifier: Apache-2.0
//
// What docs/threat-model.md promises about a guest. Each row of the escape table tries to break one
// of these.
#pragma once

#include <string>

namespace msb::security {

enum class Promise {
  kFiles,         // reads and writes no file of the host outside its volumes
  kProcesses,     // sees and signals no process of the host or of another sandbox
  kCapabilities,  // gains no capability, no user and no power over its own mounts
  kKernel,        // makes no namespaces, loads nothing, reaches no dark corner of the kernel
  kLimits,        // exceeds no limit to another's harm
  kNetwork,       // reaches neither the host's loopback nor any network
  kEnd,           // does not run on after its end
  kHostMemory,    // does not make the host allocate or log without bound
  kIdentity,      // is not taken for another sandbox
};

const char* to_string(Promise promise);

// Leaves a row of the escape table in the test's report; tools/escape-table prints them all.
struct Row {
  std::string attempt;  // the name of a program or of a manner
  std::string as;       // "user", "root", "agent", "client"
  std::string tries;    // what it does, in one line
  Promise promise{};
  std::string expected;  // what should come of it
};
void record(const Row& row);
void record_outcome(const std::string& outcome);

}  // namespace msb::security
