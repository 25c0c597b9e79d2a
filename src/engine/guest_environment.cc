// SPDX-License-Identifier: Apache-2.0
#include "engine/guest_environment.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/random.h"
#include "isolation/name_files.h"

namespace msb::engine {
namespace {

constexpr const char* kDefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::string shebang(const std::string& shell) {
  if (shell.empty()) {
    return "#!/bin/sh\n";
  }
  return shell.front() == '/' ? "#!" + shell + "\n" : "#!/usr/bin/env " + shell + "\n";
}

}  // namespace

std::vector<std::string> assemble_env(const std::vector<std::string>& image_envs,
                                      const std::vector<std::string>& envs) {
  std::vector<std::string> result;
  std::unordered_map<std::string, std::size_t> places;
  const auto set = [&](const std::string& variable) {
    const std::string key = variable.substr(0, variable.find('='));
    const auto [place, is_new] = places.try_emplace(key, result.size());
    if (is_new) {
      result.push_back(variable);
    } else {
      result[place->second] = variable;
    }
  };
  set(std::string("PATH=") + kDefaultPath);
  for (const std::string& variable : image_envs) {
    if (variable.find('=') != std::string::npos) {
      set(variable);
    }
  }
  for (const std::string& variable : envs) {
    set(variable);
  }
  // PATH is first in the list, where the default was put.
  result.front().append(":").append(kScriptsFolder);
  return result;
}

std::vector<GuestFile> script_files(const std::map<std::string, std::string>& scripts,
                                    const std::string& shell) {
  std::vector<GuestFile> files;
  files.reserve(scripts.size());
  for (const auto& [name, text] : scripts) {
    files.push_back({.path = std::string(kScriptsFolder) + "/" + name,
                     .content = text.starts_with("#!") ? text : shebang(shell) + text,
                     .mode = 0755});
  }
  return files;
}

std::string hostname_of(std::string sandbox_name) {
  std::ranges::replace(sandbox_name, '_', '-');  // not allowed in host names
  return sandbox_name;
}

std::vector<GuestFile> name_files(const std::string& hostname) {
  return {
      {.path = "/etc/hostname", .content = isolation::hostname_file(hostname), .in_place = true},
      {.path = "/etc/hosts", .content = isolation::hosts_file(hostname), .in_place = true}};
}

Result<std::vector<GuestFile>> identity_files(const std::string& hostname) {
  constexpr std::size_t kDigits = 32;
  std::vector<GuestFile> files = name_files(hostname);
  files.push_back({.path = "/etc/machine-id",
                   .content = TRY(base::random_id(kDigits)) + "\n",
                   .mode = 0444,
                   .in_place = true});
  return files;
}

}  // namespace msb::engine
