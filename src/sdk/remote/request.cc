// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/request.h"

#include <cmath>
#include <cstdint>
#include <utility>

#include "base/parse.h"
#include "engine/random_id.h"

namespace msb::sdk {
namespace {

constexpr std::size_t kMaxCodeBytes = 64 * 1024 * 1024;  // as on this host

std::unexpected<Error> unsupported(const std::string& option) {
  return fail(ErrorCode::kUnsupported,
              option +
                  ": the server's protocol cannot carry it; leave it unset, or run the "
                  "sandbox on this host");
}

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
         !config.scripts.empty() || !config.exec.empty();
}

}  // namespace

OrderedJson target_params(const std::string& namespace_name, const std::string& sandbox) {
  OrderedJson params = OrderedJson::object();
  params["namespace"] = namespace_name;
  params["sandbox"] = sandbox;
  return params;
}

Result<> add_start(OrderedJson& params, const StartConfig& config,
                   std::optional<Language> language) {
  const StartConfig defaults;
  if (!config.user.empty()) {
    return unsupported("user");
  }
  if (config.disk != defaults.disk) {
    return unsupported("disk");
  }
  if (config.max_processes != defaults.max_processes) {
    return unsupported("max_processes");
  }
  if (!std::isfinite(config.cpus)) {
    return fail(ErrorCode::kInvalidArgument, "cpus: must be a number");
  }
  for (const std::string& port : config.ports) {
    if (port.starts_with("0:")) {
      return fail(ErrorCode::kUnsupported,
                  "ports: '" + port + "': a server does not tell which port it picked; name one");
    }
  }
  std::string image = config.image;
  if (image.empty() && language) {
    image = *language == Language::kPython ? "microsandbox/python" : "microsandbox/node";
  }
  if (image.empty()) {
    if (says_something(config)) {
      return fail(ErrorCode::kInvalidArgument,
                  "image: must be given with other fields; a server that gets none starts the "
                  "stored definition as it is");
    }
    return {};
  }
  OrderedJson json = OrderedJson::object();
  json["image"] = image;
  json["memory"] = config.memory;
  json["cpus"] = number(config.cpus);
  add_present(json, "volumes", config.volumes);
  add_present(json, "ports", config.ports);
  add_present(json, "envs", config.envs);
  add_present(json, "depends_on", config.depends_on);
  add_present(json, "workdir", config.workdir);
  add_present(json, "shell", config.shell);
  add_present(json, "scripts", config.scripts);
  add_present(json, "exec", config.exec);
  params["config"] = std::move(json);
  return {};
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

Result<> add_command(OrderedJson& params, const std::string& command,
                     const std::vector<std::string>& args, const CommandOptions& options) {
  if (!options.workdir.empty()) {
    return unsupported("workdir");
  }
  if (!options.envs.empty()) {
    return unsupported("envs");
  }
  if (!options.user.empty()) {
    return unsupported("user");
  }
  if (!options.stdin_bytes.empty()) {
    return unsupported("stdin_bytes");
  }
  params["command"] = command;
  params["args"] = args;
  add_timeout(params, options.timeout);
  return {};
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

Result<std::string> new_uuid() {
  constexpr std::size_t kDigits = 32;
  constexpr std::size_t kVersionAt = 12;
  constexpr std::size_t kVariantAt = 16;
  std::string uuid = TRY(engine::random_id(kDigits));
  uuid[kVersionAt] = '4';
  uuid[kVariantAt] = "89ab"[static_cast<unsigned char>(uuid[kVariantAt]) % 4];
  for (const std::size_t dash : {20U, 16U, 12U, 8U}) {
    uuid.insert(dash, 1, '-');
  }
  return uuid;
}

}  // namespace msb::sdk
