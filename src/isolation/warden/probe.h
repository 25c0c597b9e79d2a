// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace msb::isolation::warden {

// `msb-warden probe HOME AGENT`: tries what a sandbox needs, each thing in a process of its own,
// and prints the findings as host_probe.cc reads them. Returns an exit status.
int probe(const std::string& home, const std::string& agent_path);

}  // namespace msb::isolation::warden
