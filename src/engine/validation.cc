// SPDX-License-Identifier: Apache-2.0
#include "engine/validation.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "base/parse.h"
#include "engine/guest_path.h"
#include "isolation/tier.h"
#include "wire/messages.h"

namespace msb::engine {
namespace {

std::unexpected<Error> invalid(std::string text) {
  return fail(ErrorCode::kInvalidArgument, std::move(text));
}

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_name_char(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_';
}

std::string indexed(std::string_view field, std::size_t index) {
  return std::string(field) + "[" + std::to_string(index) + "]";
}

std::string number_text(double value) {
  std::string text = std::to_string(value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) {
    text.pop_back();
  }
  return text;
}

Result<> check_range(const std::string& field, std::int64_t value, std::int64_t min,
                     std::int64_t max, const std::string& unit) {
  const std::string shown = field + ": " + std::to_string(value) + unit;
  if (value < min) {
    return invalid(shown + " is below the minimum of " + std::to_string(min));
  }
  if (value > max) {
    return invalid(shown + " is above the maximum of " + std::to_string(max));
  }
  return {};
}

Result<> check_cpus(double cpus) {
  if (!std::isfinite(cpus)) {
    return invalid("cpus: must be a number");
  }
  if (cpus < kMinCpus) {
    return invalid("cpus: " + number_text(cpus) + " is below the minimum of " +
                   number_text(kMinCpus));
  }
  if (cpus > kMaxCpus) {
    return invalid("cpus: " + number_text(cpus) + " is above the maximum of " +
                   number_text(kMaxCpus));
  }
  return {};
}

Result<> check_count(const std::string& field, std::size_t count, std::size_t max) {
  if (count > max) {
    return invalid(field + ": " + std::to_string(count) + " entries are more than " +
                   std::to_string(max));
  }
  return {};
}

Result<std::vector<VolumeRule>> parse_volumes(const std::vector<std::string>& texts) {
  TRY(check_count("volumes", texts.size(), kMaxVolumes));
  std::vector<VolumeRule> rules;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    VolumeRule rule = TRY(parse_volume(indexed("volumes", i), texts[i]));
    for (std::size_t j = 0; j < i; ++j) {
      if (is_beneath(rule.guest_path, rules[j].guest_path) ||
          is_beneath(rules[j].guest_path, rule.guest_path)) {
        return invalid(indexed("volumes", i) + " '" + texts[i] + "': guest path overlaps with " +
                       indexed("volumes", j) + " '" + texts[j] + "'");
      }
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

Result<std::vector<PortRule>> parse_ports(const std::vector<std::string>& texts) {
  TRY(check_count("ports", texts.size(), kMaxPorts));
  std::vector<PortRule> rules;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const PortRule rule = TRY(parse_port(indexed("ports", i), texts[i]));
    if (rule.host != 0 && std::ranges::find(rules, rule.host, &PortRule::host) != rules.end()) {
      return invalid(indexed("ports", i) + " '" + texts[i] + "': host port is used twice");
    }
    rules.push_back(rule);
  }
  return rules;
}

Result<> check_dependencies(const Name& name, const std::vector<std::string>& names) {
  TRY(check_count("depends_on", names.size(), kMaxDependencies));
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string shown = indexed("depends_on", i) + " '" + names[i] + "'";
    if (const auto checked = check_sandbox_name(names[i]); !checked) {
      return invalid(shown + ": " + checked.error().message());
    }
    if (names[i] == name.sandbox) {
      return invalid(shown + ": a sandbox cannot depend on itself");
    }
    if (!seen.insert(names[i]).second) {
      return invalid(shown + ": named twice");
    }
  }
  return {};
}

Result<> check_scripts(const std::map<std::string, std::string>& scripts) {
  TRY(check_count("scripts", scripts.size(), kMaxScripts));
  for (const auto& [name, text] : scripts) {
    const std::string field = "scripts['" + name.substr(0, kMaxNameBytes) + "']";
    const bool well_formed =
        std::ranges::all_of(name, [](char c) { return is_name_char(c) || c == '.'; });
    if (name.empty() || name.size() > kMaxNameBytes || !well_formed || name == "." ||
        name == "..") {
      return invalid(field + ": a script's name is 1 to 63 of letters, digits, '.', '_' and '-'");
    }
    TRY(check_text(field, text, kMaxScriptBytes));
  }
  return {};
}

Result<> check_shell(const std::string& shell) {
  TRY(check_text("shell", shell, kMaxNameBytes * 2));
  const bool plain = std::ranges::none_of(shell, [](char c) { return c <= ' ' || c == 0x7f; });
  if (!plain || (shell.find('/') != std::string::npos && shell.front() != '/')) {
    return invalid("shell '" + shell + "': must be a program's name or absolute path");
  }
  return {};
}

Result<> check_user(const std::string& user) {
  TRY(check_text("user", user, wire::kMaxNameBytes));
  const auto colon = user.find(':');
  const bool plain = std::ranges::none_of(user, [](char c) { return c <= ' ' || c == 0x7f; });
  const bool parts = colon == std::string::npos || (colon > 0 && colon + 1 < user.size() &&
                                                    user.find(':', colon + 1) == std::string::npos);
  if (!plain || !parts) {
    return invalid("user '" + user + "': must be name, uid, or user:group");
  }
  return {};
}

}  // namespace

Result<> check_text(const std::string& field, std::string_view text, std::size_t max_bytes) {
  if (text.find('\0') != std::string_view::npos) {
    return invalid(field + ": must not contain a NUL byte");
  }
  if (text.size() > max_bytes) {
    return invalid(field + ": " + std::to_string(text.size()) + " bytes are more than " +
                   std::to_string(max_bytes));
  }
  return {};
}

Result<> check_sandbox_name(std::string_view name) {
  if (name.empty()) {
    return invalid("Sandbox name cannot be empty");
  }
  if (name.size() > kMaxNameBytes) {
    return invalid("Sandbox name cannot exceed 63 characters");
  }
  if (!std::ranges::all_of(name, is_name_char)) {
    return invalid(
        "Sandbox name can only contain alphanumeric characters, hyphens, or underscores");
  }
  if (!is_alphanumeric(name.front())) {
    return invalid("Sandbox name must start with an alphanumeric character");
  }
  return {};
}

Result<> check_namespace(std::string_view name) {
  if (name.empty()) {
    return invalid("Namespace cannot be empty");
  }
  if (name.size() > kMaxNameBytes) {
    return invalid("Namespace cannot exceed 63 characters");
  }
  if (name == "*") {
    return invalid("Wildcard namespace (*) is not valid for sandbox creation");
  }
  if (!std::ranges::all_of(name, is_name_char)) {
    return invalid("Namespace can only contain alphanumeric characters, hyphens, or underscores");
  }
  if (!is_alphanumeric(name.front())) {
    return invalid("Namespace must start with an alphanumeric character");
  }
  return {};
}

Result<> check_envs(const std::vector<std::string>& envs) {
  TRY(check_count("envs", envs.size(), kMaxEnvs));
  std::size_t total_bytes = 0;
  for (std::size_t i = 0; i < envs.size(); ++i) {
    const std::string_view key = std::string_view(envs[i]).substr(0, envs[i].find('='));
    // Without '=' the whole text is taken for the key, so it is cut: it may be a mistyped secret.
    const std::string field = indexed("envs", i);
    if (key.size() == envs[i].size() || key.empty()) {
      return invalid(field + " '" + std::string(key.substr(0, kMaxNameBytes)) +
                     "': must be KEY=VALUE");
    }
    TRY(check_text(field, envs[i], wire::kMaxStringBytes));
    total_bytes += envs[i].size();
  }
  if (total_bytes > kMaxEnvsBytes) {
    return invalid("envs: " + std::to_string(total_bytes) + " bytes in all are more than " +
                   std::to_string(kMaxEnvsBytes));
  }
  return {};
}

Result<VolumeRule> parse_volume(const std::string& field, const std::string& text) {
  const std::string shown = field + " '" + text + "'";
  TRY(check_text(field, text, 2 * wire::kMaxPathBytes));
  const auto first = text.find(':');
  VolumeRule rule;
  rule.host_path = text.substr(0, first);
  std::string guest = rule.host_path;
  if (first != std::string::npos) {
    const auto second = text.find(':', first + 1);
    guest = text.substr(first + 1, second == std::string::npos ? second : second - first - 1);
    if (second != std::string::npos) {
      const std::string mode = text.substr(second + 1);
      if (mode != "ro" && mode != "rw") {
        return invalid(shown + ": must be host:guest, host:guest:ro or path");
      }
      rule.read_only = mode == "ro";
    }
  }
  if (rule.host_path.empty()) {
    return invalid(shown + ": host path is empty");
  }
  if (guest.empty()) {
    return invalid(shown + ": guest path is empty");
  }
  const auto normal = normalize_guest_path(guest);
  if (!normal) {
    return invalid(shown + ": guest path must be absolute and without '..'");
  }
  if (is_reserved_guest_path(*normal)) {
    return invalid(shown + ": guest path must not be /, or in /proc, /sys, /dev or /.sandbox");
  }
  rule.guest_path = *normal;
  return rule;
}

Result<PortRule> parse_port(const std::string& field, const std::string& text) {
  const std::string shown = field + " '" + text.substr(0, kMaxNameBytes) + "'";
  const auto colon = text.find(':');
  const std::string_view host = std::string_view(text).substr(0, colon);
  const std::string_view guest =
      colon == std::string::npos ? host : std::string_view(text).substr(colon + 1);
  const auto host_port = base::parse_number<std::uint16_t>(host);
  if (!host_port) {
    return invalid(shown + ": host port must be 0..65535");
  }
  const auto guest_port = base::parse_number<std::uint16_t>(guest);
  if (!guest_port || *guest_port == 0) {
    return invalid(shown + ": guest port must be 1..65535");
  }
  return PortRule{.host = *host_port, .guest = *guest_port};
}

Result<Definition> validate(const Name& name, const Config& config) {
  TRY(check_sandbox_name(name.sandbox));
  TRY(check_namespace(name.namespace_name));
  TRY(check_text("image", config.image, wire::kMaxPathBytes));
  TRY(check_range("memory", config.memory_mib, kMinMemoryMib, kMaxMemoryMib, " MiB"));
  TRY(check_cpus(config.cpus));
  TRY(check_range("disk", config.disk_mib, kMinDiskMib, kMaxDiskMib, " MiB"));
  TRY(check_range("max_processes", config.max_processes, kMinProcesses, kMaxProcesses, ""));
  Definition definition{.config = config, .volumes = {}, .ports = {}};
  if (!config.isolation.empty()) {
    TRY(isolation::parse_tier(config.isolation));
  }
  definition.volumes = TRY(parse_volumes(config.volumes));
  definition.ports = TRY(parse_ports(config.ports));
  TRY(check_envs(config.envs));
  TRY(check_dependencies(name, config.depends_on));
  TRY(check_text("workdir", config.workdir, wire::kMaxPathBytes));
  if (!config.workdir.empty() && config.workdir.front() != '/') {
    return invalid("workdir '" + config.workdir + "': must be absolute");
  }
  TRY(check_shell(config.shell));
  TRY(check_scripts(config.scripts));
  TRY(check_text("exec", config.exec, kMaxExecBytes));
  TRY(check_user(config.user));
  return definition;
}

}  // namespace msb::engine
