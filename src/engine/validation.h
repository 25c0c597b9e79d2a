// SPDX-License-Identifier: Apache-2.0
//
// The rules for everything a caller may say about a sandbox, checked before anything happens. Each
// error is kInvalidArgument and names field, value and rule: "memory: 0 MiB is below the minimum
// of 16". Values of variables are secrets and are never shown.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/try.h"
#include "engine/config.h"

namespace msb::engine {

inline constexpr std::int64_t kMinMemoryMib = 16;
inline constexpr std::int64_t kMaxMemoryMib = 1 << 20;
inline constexpr double kMinCpus = 0.01;
inline constexpr double kMaxCpus = 1024;
inline constexpr std::int64_t kMinDiskMib = 16;
inline constexpr std::int64_t kMaxDiskMib = 1 << 20;
inline constexpr std::int64_t kMinProcesses = 8;
inline constexpr std::int64_t kMaxProcesses = 65536;
inline constexpr std::size_t kMaxNameBytes = 63;
inline constexpr std::size_t kMaxVolumes = 128;
inline constexpr std::size_t kMaxPorts = 256;
inline constexpr std::size_t kMaxEnvs = 2048;
inline constexpr std::size_t kMaxEnvsBytes = 192 << 10;  // all of them
inline constexpr std::size_t kMaxDependencies = 64;
inline constexpr std::size_t kMaxScripts = 256;
inline constexpr std::size_t kMaxScriptBytes = 240 << 10;
inline constexpr std::size_t kMaxExecBytes = 120 << 10;

struct VolumeRule {
  std::string host_path;
  std::string guest_path;
  bool read_only = false;
};

struct PortRule {
  std::uint16_t host = 0;  // 0: any free one
  std::uint16_t guest = 0;
};

// A Config whose every field obeys its rule, with the parsed forms of what has an inner structure.
struct Definition {
  Config config;
  std::vector<VolumeRule> volumes;
  std::vector<PortRule> ports;
};

Result<> check_sandbox_name(std::string_view name);
Result<> check_namespace(std::string_view name);
// The image reference is checked where it is resolved.
Result<Definition> validate(const Name& name, const Config& config);

// "host:guest[:ro]" or "path".
Result<VolumeRule> parse_volume(const std::string& field, const std::string& text);
// "host:guest" or "port".
Result<PortRule> parse_port(const std::string& field, const std::string& text);
// "KEY=VALUE" each.
Result<> check_envs(const std::vector<std::string>& envs);
// No NUL byte, not longer than `max_bytes`.
Result<> check_text(const std::string& field, std::string_view text, std::size_t max_bytes);

}  // namespace msb::engine
