// SPDX-License-Identifier: Apache-2.0
//
// The config.json of an OCI bundle: what a jail is, in the words of the OCI runtime specification.
// What the words have no name for is made before the runtime is started (the root with its volumes,
// cgroups, resource limits), or by the agent when it has been (system call filter, Landlock).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "isolation/jail/id_map.h"

namespace msb::isolation::oci {

struct Bundle {
  std::string root_path;
  std::string hostname;
  std::vector<std::string> arguments;  // of the first process
  jail::IdRange range;
  std::uint64_t memory_bytes = 0;
};

std::string config_json(const Bundle& bundle);

}  // namespace msb::isolation::oci
