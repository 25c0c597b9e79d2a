// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/request.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "base/parse.h"
#include "rpc/base64.h"
#include "rpc/output_line.h"

namespace msb::sdk {
namespace {

constexpr std::size_t kMaxCodeBytes = 64 * 1024 * 1024;  // as on this host

constexpr char kStartOptions[] = "start.options";
constexpr char kCommandOptions[] = "command.options";
constexpr char kIsolation[] = "isolation";
constexpr double kMaxWholeCpus = 255;

// Whole numbers without a fraction: servers decode them as integers.
OrderedJson number(double value) {
  constexpr double kLimit = 1e15;
  if (value == std::trunc(value) && std::abs(value) < kLimit) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

void add_timeout(OrderedJson& params, std::chrono::milliseconds timeout) {
  if (timeout.count() > 0) {
    params["timeout"] = number(std::chrono::duration<double>(timeout).count());
  }
}

void add_present(OrderedJson& object, const char* name, const auto& value) {
  if (!value.empty()) {
    object[name] = value;
  }
}

PortMapping parse_port(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view guest = colon == std::string_view::npos ? text : text.substr(colon + 1);
  return {.host = base::parse_number<std::uint16_t>(text.substr(0, colon)).value_or(0),
          .guest = base::parse_number<std::uint16_t>(guest).value_or(0)};
}

bool says_something(const StartConfig& config) {
  const StartConfig nothing;
  return config.memory != nothing.memory || config.cpus != nothing.cpus ||
         !config.volumes.empty() || !config.ports.empty() || !config.envs.empty() ||
         !config.depends_on.empty() || !config.workdir.empty() || !config.shell.empty() ||
         !config.scripts.empty() || !config.exec.empty() || !config.user.empty() ||
         config.disk != nothing.disk || config.max_processes != nothing.max_processes ||
         !config.isolation.empty();
}

}  // namespace

OrderedJson target_params(const std::string& namespace_name, const std::string& sandbox) {
  OrderedJson params = OrderedJson::object();
  params["namespace"] = namespace_name;
  params["sandbox"] = sandbox;
  return params;
}

Needs add_start(OrderedJson& params, const StartConfig& config, std::optional<Language> language) {
  const StartConfig defaults;
  Needs needs;
  OrderedJson json = OrderedJson::object();
  if (!config.image.empty()) {
    json["image"] = config.image;
  } else if (language) {
    json["image"] = *language == Language::kPython ? "microsandbox/python" : "microsandbox/node";
  } else if (says_something(config)) {
    needs.push_back({kStartOptions, "image: none is given with other fields"});
  } else {
    params["details"] = true;
    return needs;
  }
  json["memory"] = config.memory;
  const bool is_whole = config.cpus == std::trunc(config.cpus) && config.cpus <= kMaxWholeCpus;
  json["cpus"] = std::clamp<std::int64_t>(std::llround(config.cpus), 1, 255);
  if (!is_whole) {
    needs.push_back({kStartOptions, "cpus: not a whole number up to 255"});
    json["cpu_limit"] = config.cpus;
  }
  add_present(json, "volumes", config.volumes);
  add_present(json, "ports", config.ports);
  if (std::ranges::any_of(config.ports, [](const auto& port) { return port.starts_with("0:"); })) {
    needs.push_back({kStartOptions, "ports: a host port of 0"});
  }
  add_present(json, "envs", config.envs);
  add_present(json, "depends_on", config.depends_on);
  add_present(json, "workdir", config.workdir);
  add_present(json, "shell", config.shell);
  add_present(json, "scripts", config.scripts);
  add_present(json, "exec", config.exec);
  add_present(json, "user", config.user);
  if (!config.user.empty()) {
    needs.push_back({kStartOptions, "user"});
  }
  if (config.disk != defaults.disk) {
    json["disk"] = config.disk;
    needs.push_back({kStartOptions, "disk"});
  }
  if (config.max_processes != defaults.max_processes) {
    json["max_processes"] = config.max_processes;
    needs.push_back({kStartOptions, "max_processes"});
  }
  if (!config.isolation.empty()) {
    json["isolation"] = config.isolation;
    needs.push_back({kIsolation, "isolation"});
  }
  if (config.image.empty()) {
    json["image_is_default"] = true;  // a server that does not know it takes the language's own
  }
  params["config"] = std::move(json);
  params["details"] = true;  // a server that does not know it answers with a text
  return needs;
}

Result<> add_code(OrderedJson& params, Language language, std::string_view code,
                  const RunOptions& options) {
  if (code.size() > kMaxCodeBytes) {
    return fail(ErrorCode::kInvalidArgument,
                "code: is " + std::to_string(code.size()) + " bytes; at most 64 MiB");
  }
  params["language"] = to_string(language);
  params["code"] = code;
  add_timeout(params, options.timeout);
  return {};
}

Needs add_command(OrderedJson& params, const std::string& command,
                  const std::vector<std::string>& args, const CommandOptions& options) {
  Needs needs;
  params["command"] = command;
  params["args"] = args;
  add_timeout(params, options.timeout);
  add_present(params, "workdir", options.workdir);
  add_present(params, "envs", options.envs);
  add_present(params, "user", options.user);
  if (!options.workdir.empty()) {
    needs.push_back({kCommandOptions, "workdir"});
  }
  if (!options.envs.empty()) {
    needs.push_back({kCommandOptions, "envs"});
  }
  if (!options.user.empty()) {
    needs.push_back({kCommandOptions, "user"});
  }
  if (!options.stdin_bytes.empty()) {
    add_bytes(params, "stdin", options.stdin_bytes);
    needs.push_back({kCommandOptions, "stdin_bytes"});
  }
  return needs;
}

void add_spawn(OrderedJson& params, const SpawnOptions& options) {
  params["stdin_open"] = options.stdin_open;
  if (options.terminal) {
    params["terminal"] = {{"rows", options.terminal->rows}, {"columns", options.terminal->columns}};
  }
}

void add_bytes(OrderedJson& params, const std::string& name, std::string_view bytes) {
  if (rpc::is_utf8(bytes)) {
    params[name] = bytes;
  } else {
    params[name + "_base64"] = rpc::to_base64(bytes);
  }
}

std::string encode_request(std::string_view method, OrderedJson params, std::string_view id) {
  OrderedJson body = OrderedJson::object();
  body["jsonrpc"] = "2.0";
  body["method"] = method;
  body["params"] = std::move(params);
  if (!id.empty()) {
    body["id"] = id;
  }
  return body.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

std::vector<PortMapping> port_mappings(const StartConfig& config) {
  std::vector<PortMapping> ports;
  ports.reserve(config.ports.size());
  for (const std::string& text : config.ports) {
    ports.push_back(parse_port(text));
  }
  return ports;
}

}  // namespace msb::sdk
