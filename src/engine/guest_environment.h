// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/greeting.h"

namespace msb::engine {

inline constexpr const char* kScriptsFolder = "/.sandbox/scripts";

// The image's variables, then the caller's, the later of one name winning; PATH ends with the
// folder of scripts.
std::vector<std::string> assemble_env(const std::vector<std::string>& image_envs,
                                      const std::vector<std::string>& envs);

// Scripts as executable files; one without a "#!" line of its own is run by `shell`.
std::vector<GuestFile> script_files(const std::map<std::string, std::string>& scripts,
                                    const std::string& shell);

// A name as the sandbox's host name.
std::string hostname_of(std::string sandbox_name);

// The files that tell a sandbox its name, and those that tell a machine who it is. Nobody has read
// them yet.
std::vector<GuestFile> name_files(const std::string& hostname);
Result<std::vector<GuestFile>> identity_files(const std::string& hostname);

}  // namespace msb::engine
