// SPDX-License-Identifier: Apache-2.0
//
// The options that describe a sandbox, shared by the verbs that start one.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/interrupts.h"
#include "msb/options.h"
#include "msb/result.h"
#include "msb/sandbox.h"

namespace msb::cli {

// What describes a sandbox, wherever it is.
struct ConfigFlags {
  StartConfig config;
  std::vector<std::string> env_files;

  void add_to(Arguments& arguments);
  // After parsing: reads env files. Ranges are checked by start().
  Result<> complete();
};

// A sandbox of this process.
struct SandboxFlags : ConfigFlags {
  SandboxOptions options;
  std::chrono::milliseconds timeout{0};
  std::string timeout_text;  // as it was given
  bool quiet = false;

  void add_to(Arguments& arguments);
  // Resolves relative host paths, too.
  Result<> complete();
  // One of the options was given that say what a new sandbox is like.
  bool describe_a_sandbox() const;
};

// Takes --timeout.
Arguments::ValueParser timeout_into(std::chrono::milliseconds& into, std::string& text);

// Makes the engine that `flags.options` runs in.
Result<> make_engine(const Context& context, SandboxFlags& flags);

// Starts `sandbox` with the pull of its image shown on stderr, then says there what the host cannot
// enforce and which ports were picked.
Result<> start(Sandbox& sandbox, const SandboxFlags& flags, const Interrupts& interrupts,
               std::string_view verb);

// Exposed for tests.
Result<std::int64_t> parse_mib(std::string_view text);
Result<std::vector<std::string>> parse_env_file(std::string_view content, std::string_view path);
std::string absolute_volume(const std::string& volume, const std::string& current_folder);

}  // namespace msb::cli
