// SPDX-License-Identifier: Apache-2.0
//
// The host has a number of numbers for processes (32,768 where nobody raised it), and each sandbox
// may take hundreds: together they could leave the host none. So an engine's group has a limit too.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace msb::isolation::cgroup {

// Of `numbers` that the host has: three quarters.
constexpr std::uint64_t process_share(std::uint64_t numbers) {
  return numbers - numbers / 4;
}

// The share of what this host has, as seen from the pid namespace of the caller (from Linux 6.14 on
// each may have a number of its own); nothing where the host does not say.
std::optional<std::uint64_t> host_process_share();

// Sets it for an engine's group that counts processes.
void limit_engine_processes(const std::string& engine_folder, std::optional<std::uint64_t> share);

}  // namespace msb::isolation::cgroup
