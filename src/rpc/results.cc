// SPDX-License-Identifier: Apache-2.0
#include "rpc/results.h"

#include <cmath>
#include <utility>

namespace msb::rpc {
namespace {

constexpr int kExitCodeOfSignalled = 1;

Json encode_lines(const std::vector<Line>& lines) {
  Json output = Json::array();
  for (const Line& line : lines) {
    output.push_back(
        {{"stream", line.stream == Stream::kStdout ? "stdout" : "stderr"}, {"text", line.text}});
  }
  return output;
}

void add_output(Json& json, const std::optional<std::vector<Line>>& output,
                std::uint64_t dropped_bytes) {
  if (output) {
    json["output"] = encode_lines(*output);  // its last line tells what was dropped
  } else if (dropped_bytes > 0) {
    json["dropped_bytes"] = dropped_bytes;
  }
}

// The status, and the reason that goes with "error".
std::pair<const char*, const char*> words_of(CodeResult::Status status) {
  switch (status) {
    case CodeResult::Status::kSuccess:
      return {"success", nullptr};
    case CodeResult::Status::kException:
      return {"exception", nullptr};
    case CodeResult::Status::kExit:
      return {"error", "exit"};
    case CodeResult::Status::kTimeout:
      return {"error", "timeout"};
    case CodeResult::Status::kDied:
      return {"error", "died"};
  }
  return {"error", nullptr};
}

std::string success_text(std::string_view sandbox, std::string_view done) {
  return "Sandbox " + std::string(sandbox) + " " + std::string(done) + " successfully";
}

}  // namespace

Json encode(const CodeResult& result) {
  const auto [status, reason] = words_of(result.status);
  Json json = {{"status", status}, {"language", result.language}};
  add_output(json, result.output, result.dropped_bytes);
  if (reason != nullptr) {
    json["reason"] = reason;
  }
  if (result.status == CodeResult::Status::kExit || result.status == CodeResult::Status::kDied) {
    json["exit_code"] = result.exit_code;
  }
  if (result.state_lost) {
    json["state_lost"] = true;
  }
  if (!result.limits_hit.empty()) {
    json["limits_hit"] = result.limits_hit;
  }
  return json;
}

Json encode(const CommandResult& result) {
  const int exit_code = result.signal != 0 ? kExitCodeOfSignalled : result.exit_code;
  Json json = {{"command", result.command},
               {"args", result.args},
               {"exit_code", exit_code},
               {"success", exit_code == 0}};
  add_output(json, result.output, result.dropped_bytes);
  if (result.signal != 0) {
    json["signal"] = result.signal;
  }
  if (!result.limits_hit.empty()) {
    json["limits_hit"] = result.limits_hit;
  }
  return json;
}

Json encode(const std::vector<SandboxMetrics>& sandboxes) {
  Json list = Json::array();
  for (const SandboxMetrics& one : sandboxes) {
    Json json = {{"namespace", one.namespace_name}, {"name", one.name},
                 {"running", one.is_running},       {"cpu_usage", nullptr},
                 {"memory_usage", nullptr},         {"disk_usage", nullptr},
                 {"disk_bytes", one.disk_bytes}};
    if (one.is_running) {
      if (std::isfinite(one.cpu_percent)) {
        json["cpu_usage"] = one.cpu_percent;
      }
      json["memory_usage"] = one.memory_mib;
      json["disk_usage"] = one.disk_bytes;
    }
    if (!one.isolation.empty()) {
      json["isolation"] = one.isolation;
    }
    if (one.is_paused) {
      json["paused"] = true;
    }
    list.push_back(std::move(json));
  }
  return {{"sandboxes", std::move(list)}};
}

Json encode(const SandboxInfo& info) {
  Json ports = Json::array();
  for (const SandboxInfo::Port& port : info.ports) {
    ports.push_back({{"host", port.host}, {"guest", port.guest}});
  }
  Json json = {{"image", info.image},
               {"ports", std::move(ports)},
               {"isolation", info.isolation},
               {"weaknesses", info.weaknesses},
               {"image_command", info.image_command},
               {"exec_exit_code", nullptr}};
  if (info.exec_exit_code) {
    json["exec_exit_code"] = *info.exec_exit_code;
  }
  return json;
}

std::string started_text(std::string_view sandbox) {
  return success_text(sandbox, "started");
}

std::string stopped_text(std::string_view sandbox) {
  return success_text(sandbox, "stopped");
}

std::string paused_text(std::string_view sandbox) {
  return success_text(sandbox, "paused");
}

std::string resumed_text(std::string_view sandbox) {
  return success_text(sandbox, "resumed");
}

std::string removed_text(std::string_view sandbox) {
  return success_text(sandbox, "removed");
}

}  // namespace msb::rpc
