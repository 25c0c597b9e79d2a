// SPDX-License-Identifier: Apache-2.0
//
// The files of a sandbox that tell its name, written by the jail; and by the agent, where a sandbox
// gets its name after it was made.
#pragma once

#include <string>

namespace msb::isolation {

// /etc/hostname
std::string hostname_file(const std::string& hostname);
// /etc/hosts
std::string hosts_file(const std::string& hostname);

}  // namespace msb::isolation
