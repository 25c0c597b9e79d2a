// SPDX-License-Identifier: Apache-2.0
#include "rpc/params.h"

#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "rpc/fields.h"

namespace msb::rpc {
namespace {

constexpr double kFirstNanoseconds = 1e7;
constexpr double kLongestSeconds = 10.0 * 365 * 24 * 3600;
constexpr std::size_t kMaxLogBytes = 1024 * 1024;
constexpr std::int64_t kMaxU8 = std::numeric_limits<std::uint8_t>::max();
constexpr std::int64_t kMaxU32 = std::numeric_limits<std::uint32_t>::max();

Result<> read_namespace(const Json& params, std::string& name, bool& names_namespace) {
  const Json* value = find_present(params, "namespace");
  if (value == nullptr) {
    return {};
  }
  if (!value->is_string()) {
    return wrong_type(*value, "a string", "namespace");
  }
  name = value->get<std::string>();
  names_namespace = true;
  return {};
}

Result<Target> target_of(const Json& params) {
  Target target;
  target.sandbox = TRY(required_text(params, "sandbox"));
  TRY(read_namespace(params, target.namespace_name, target.names_namespace));
  return target;
}

Result<StartConfig> config_of(const Json& value) {
  if (!value.is_object()) {
    return wrong_type(value, "struct SandboxConfig", "config");
  }
  StartConfig config;
  config.image = TRY(optional_text(value, "image"));
  config.memory_mib = TRY(integer(value, "memory", kMaxU32, "u32"));
  config.cpus = TRY(integer(value, "cpus", kMaxU8, "u8"));
  config.volumes = TRY(texts(value, "volumes"));
  config.ports = TRY(texts(value, "ports"));
  config.envs = TRY(texts(value, "envs"));
  config.depends_on = TRY(texts(value, "depends_on"));
  config.workdir = TRY(optional_text(value, "workdir"));
  config.shell = TRY(optional_text(value, "shell"));
  config.scripts = TRY(texts_by_name(value, "scripts"));
  config.exec = TRY(optional_text(value, "exec"));
  config.user = TRY(optional_text(value, "user"));
  config.disk_mib = TRY(integer(value, "disk", kMaxU32, "u32"));
  config.max_processes = TRY(integer(value, "max_processes", kMaxU32, "u32"));
  config.isolation = TRY(optional_text(value, "isolation"));
  if (const Json* limit = find_present(value, "cpu_limit")) {
    if (!limit->is_number()) {
      return wrong_type(*limit, "a number of cores", "cpu_limit");
    }
    config.cpu_limit = limit->get<double>();
  }
  config.image_is_default = TRY(flag(value, "image_is_default"));
  return config;
}

// The params of one method as an object, with the texts of a missing or a wrong one.
Result<const Json*> object_of(const Json* params, std::string_view type_name) {
  static const Json kNull;
  const Json& value = params == nullptr ? kNull : *params;
  if (!value.is_object()) {
    return wrong_type(value, "struct " + std::string(type_name), {});
  }
  return &value;
}

std::string invalid_params(std::string_view method) {
  return "Invalid params for " + std::string(method);
}

Result<StartParams> start_of(const Json* params) {
  const Json* object = TRY(object_of(params, "SandboxStartParams"));
  StartParams start;
  start.target = TRY(target_of(*object));
  if (const Json* config = find_present(*object, "config")) {
    StartConfig decoded = TRY(config_of(*config));
    if (!decoded.image.empty() || decoded.image_is_default) {
      start.config = std::move(decoded);
    }
  }
  start.wants_details = TRY(flag(*object, "details"));
  return start;
}

Result<MetricsParams> metrics_of(const Json* params) {
  MetricsParams metrics;
  if (params == nullptr || params->is_null()) {
    return metrics;
  }
  const Json* object = TRY(object_of(params, "SandboxMetricsGetParams"));
  if (const Json* sandbox = find_present(*object, "sandbox")) {
    if (!sandbox->is_string()) {
      return wrong_type(*sandbox, "a string", "sandbox");
    }
    metrics.sandbox = sandbox->get<std::string>();
  }
  TRY(read_namespace(*object, metrics.namespace_name, metrics.names_namespace));
  return metrics;
}

Result<SnapshotParams> snapshot_of(const Json* params) {
  const Json* object = TRY(object_of(params, "SandboxSnapshotParams"));
  SnapshotParams snapshot;
  snapshot.target = TRY(target_of(*object));
  snapshot.image = TRY(required_text(*object, "image"));
  return snapshot;
}

Result<ForkParams> fork_of(const Json* params) {
  const Json* object = TRY(object_of(params, "SandboxForkParams"));
  ForkParams fork;
  fork.target = TRY(target_of(*object));
  const auto count = TRY(integer(*object, "count", kMaxU32, "u32"));
  fork.count = static_cast<std::size_t>(count.value_or(1));
  return fork;
}

Result<LogParams> log_of(const Json* params) {
  const Json* object = TRY(object_of(params, "SandboxLogParams"));
  LogParams log;
  log.target = TRY(target_of(*object));
  const auto max_bytes = TRY(integer(*object, "max_bytes", kMaxLogBytes, "at most 1048576"));
  log.max_bytes =
      static_cast<std::size_t>(max_bytes.value_or(static_cast<std::int64_t>(log.max_bytes)));
  log.as_base64 = TRY(flag(*object, "base64"));
  return log;
}

}  // namespace

Result<StartParams> decode_start(const Json* params) {
  return TRY_WRAP(start_of(params), invalid_params("sandbox.start"));
}

Result<Target> decode_target(const Json* params, std::string_view method) {
  const std::string type_name = method == "sandbox.stop"     ? "SandboxStopParams"
                                : method == "sandbox.remove" ? "SandboxRemoveParams"
                                                             : "SandboxInfoParams";
  const Json* object = TRY_WRAP(object_of(params, type_name), invalid_params(method));
  return TRY_WRAP(target_of(*object), invalid_params(method));
}

Result<MetricsParams> decode_metrics(const Json* params) {
  return TRY_WRAP(metrics_of(params), invalid_params("sandbox.metrics.get"));
}

Result<SnapshotParams> decode_snapshot(const Json* params) {
  return TRY_WRAP(snapshot_of(params), invalid_params("sandbox.snapshot"));
}

Result<ForkParams> decode_fork(const Json* params) {
  return TRY_WRAP(fork_of(params), invalid_params("sandbox.fork"));
}

Result<LogParams> decode_log(const Json* params) {
  return TRY_WRAP(log_of(params), invalid_params("sandbox.log.get"));
}

Result<Target> decode_run_target(const Json* params) {
  if (params == nullptr || !params->is_object()) {
    return invalid("Request parameters must be an object containing 'sandbox'");
  }
  const std::string* sandbox = find_string(*params, "sandbox");
  if (sandbox == nullptr) {
    return invalid("Missing required 'sandbox' parameter for portal request");
  }
  Target target{.sandbox = *sandbox};
  if (const Json* name = find_present(*params, "namespace")) {
    if (!name->is_string()) {
      return invalid("Missing required 'namespace' parameter for portal request");
    }
    target.namespace_name = name->get<std::string>();
    target.names_namespace = true;
  }
  return target;
}

Result<CodeParams> decode_code(const Json& params) {
  CodeParams code;
  code.target = TRY(decode_run_target(&params));
  code.language = TRY(required_text(params, "language"));
  code.code = TRY(required_text(params, "code"));
  if (const Json* timeout = find_present(params, "timeout")) {
    code.timeout = TRY(decode_timeout(*timeout));
  }
  return code;
}

Result<CommandParams> decode_command(const Json& params) {
  CommandParams command;
  command.target = TRY(decode_run_target(&params));
  command.command = TRY(required_text(params, "command"));
  command.args = TRY(texts(params, "args"));
  if (const Json* timeout = find_present(params, "timeout")) {
    command.timeout = TRY(decode_timeout(*timeout));
  }
  command.workdir = TRY(optional_text(params, "workdir"));
  command.envs = TRY(texts(params, "envs"));
  command.user = TRY(optional_text(params, "user"));
  command.stdin_bytes = TRY(bytes(params, "stdin"));
  return command;
}

Result<std::chrono::milliseconds> decode_timeout(const Json& value) {
  using std::chrono::milliseconds;
  if (!value.is_number()) {
    return wrong_type(value, "a number of seconds", "timeout");
  }
  const double number = value.get<double>();
  if (!(number > 0)) {
    return milliseconds(0);
  }
  const double seconds = number > kFirstNanoseconds ? number / 1e9 : number;
  if (seconds > kLongestSeconds) {
    return milliseconds(0);
  }
  return milliseconds(static_cast<std::int64_t>(std::ceil(seconds * 1e3)));
}

}  // namespace msb::rpc
