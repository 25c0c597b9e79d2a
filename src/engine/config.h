// SPDX-License-Identifier: Apache-2.0
//
// What a sandbox is asked to be, as its caller wrote it. The public StartConfig and the wire's
// start request both become this; validation.h turns it into a Definition.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace msb::engine {

struct Config {
  std::string image;
  std::int64_t memory_mib = 512;
  double cpus = 1.0;
  std::vector<std::string> volumes;
  std::vector<std::string> ports;
  std::vector<std::string> envs;
  std::vector<std::string> depends_on;
  std::string workdir;
  std::string shell;
  std::map<std::string, std::string> scripts;
  std::string exec;
  std::string user;
  std::int64_t disk_mib = 4096;
  std::int64_t max_processes = 512;
  std::string isolation;  // empty: the default of the engine

  bool operator==(const Config&) const = default;
};

struct Name {
  std::string namespace_name = "default";
  std::string sandbox;

  auto operator<=>(const Name&) const = default;
};

}  // namespace msb::engine
