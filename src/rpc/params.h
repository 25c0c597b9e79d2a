// SPDX-License-Identifier: Apache-2.0
//
// Parameters of the methods, decoded from both dialects: a namespace that is absent or null is
// "default"; null stands for an absent list, string or number; unknown members are ignored.
// The errors are kInvalidArgument with the texts that clients know.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "rpc/json.h"

namespace msb::rpc {

inline constexpr char kDefaultNamespace[] = "default";

// Which sandbox is meant.
struct Target {
  std::string sandbox;
  std::string namespace_name = kDefaultNamespace;
  bool names_namespace = false;  // the caller wrote one: it speaks the older dialect
};

struct StartConfig {
  std::string image;
  std::optional<std::int64_t> memory_mib;
  std::optional<std::int64_t> cpus;
  std::vector<std::string> volumes;
  std::vector<std::string> ports;
  std::vector<std::string> envs;
  std::vector<std::string> depends_on;
  std::string workdir;
  std::string shell;
  std::map<std::string, std::string> scripts;
  std::string exec;
  // Of this server, no older one has them.
  std::string user;
  std::optional<std::int64_t> disk_mib;
  std::optional<std::int64_t> max_processes;
  std::string isolation;
  std::optional<double> cpu_limit;  // cores, with a fraction; instead of cpus
  // The image of the stored definition counts first; without an image there must be one.
  bool image_is_default = false;
};

struct StartParams {
  Target target;
  // Nothing: the stored definition is meant. That is also what a config without an image says,
  // unless it has image_is_default.
  std::optional<StartConfig> config;
  bool wants_details = false;  // the result is an object, not the text alone
};

struct CodeParams {
  Target target;
  std::string language;  // as the caller wrote it
  std::string code;
  std::chrono::milliseconds timeout{0};  // zero: none
};

struct CommandParams {
  Target target;
  std::string command;
  std::vector<std::string> args;
  std::chrono::milliseconds timeout{0};
  // Of this server, no older one has them.
  std::string workdir;
  std::vector<std::string> envs;
  std::string user;
  std::string stdin_bytes;
};

struct MetricsParams {
  std::optional<std::string> sandbox;              // nothing: all of the namespace
  std::string namespace_name = kDefaultNamespace;  // "*": all
  bool names_namespace = false;
};

struct ForkParams {
  Target target;
  std::size_t count = 1;
};

struct SnapshotParams {
  Target target;
  std::string image;
};

struct LogParams {
  Target target;
  std::size_t max_bytes = 64 * 1024;
  bool as_base64 = false;  // the result is {"base64": ...}
};

// `params` null: the member is absent.
Result<StartParams> decode_start(const Json* params);
// Of the methods that take nothing but a sandbox; `method` is for the error's text.
Result<Target> decode_target(const Json* params, std::string_view method);
Result<MetricsParams> decode_metrics(const Json* params);
Result<SnapshotParams> decode_snapshot(const Json* params);
Result<ForkParams> decode_fork(const Json* params);
Result<LogParams> decode_log(const Json* params);

// Runs are passed on to the sandbox: who is meant is checked first, what is to run afterwards, and
// a caller sees the difference in the status.
Result<Target> decode_run_target(const Json* params);
Result<CodeParams> decode_code(const Json& params);
Result<CommandParams> decode_command(const Json& params);

// Seconds, whole or not. Zero, a negative number and null mean no limit; numbers above 10^7 are
// nanoseconds: so the Go SDK writes the time limit of its HTTP client.
Result<std::chrono::milliseconds> decode_timeout(const Json& value);

}  // namespace msb::rpc
