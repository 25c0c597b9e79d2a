// SPDX-License-Identifier: Apache-2.0
//
// The OCI runtimes we know how to drive, and what each wants to be told.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"

namespace msb::isolation::oci {

struct Runtime {
  std::string_view name;
  std::string_view package;  // of Debian
  // How the agent gets its stream: what the runtime was started with as descriptor 3, or as
  // standard input.
  enum class Stream { kDescriptor3, kStandardInput } stream;
  // Has a /sys of its own making.
  bool makes_sys;
  // Processes and threads that it has beside the sandbox's.
  std::uint32_t own_processes;
  // Before the verb, always and where there are volumes; and after it.
  std::span<const std::string_view> options;
  std::span<const std::string_view> volume_options;
  std::span<const std::string_view> run_options;
};

struct Invocation {
  std::string program;
  std::string state_path;
  std::string bundle_path;
  std::string id;
  bool has_volumes = false;
};

std::span<const Runtime> known_runtimes();
// `name` is one of isolation::Tier's.
const Runtime& find_runtime(std::string_view name);

// The program. kUnsupported: this host has none, or one that others than root could replace.
Result<std::string> find_program(const Runtime& runtime);

// Words of its command line.
std::vector<std::string> command_line(const Runtime& runtime, const Invocation& invocation);

}  // namespace msb::isolation::oci
