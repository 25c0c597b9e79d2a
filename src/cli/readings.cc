// SPDX-License-Identifier: Apache-2.0
#include "cli/readings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/try.h"
#include "cli/json_text.h"
#include "cli/table.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr std::uint64_t kBytesPerMib = std::uint64_t{1} << 20;

// One digit after the point, in every locale.
std::string percent_text(double percent) {
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), percent, std::chars_format::fixed, 1);
  return std::string(text.data(), end.ptr);
}

const char* state_of(const Metrics& reading) {
  return reading.is_paused ? "paused" : reading.is_running ? "running" : "stopped";
}

std::string json_of(const Metrics& reading) {
  return "{\"namespace\": " + json_string(reading.namespace_) +
         ", \"name\": " + json_string(reading.name) +
         ", \"running\": " + (reading.is_running ? "true" : "false") +
         ", \"paused\": " + (reading.is_paused ? "true" : "false") + ", \"isolation\": " +
         (reading.isolation.empty() ? "null" : json_string(reading.isolation)) +
         ", \"cpu_percent\": " + percent_text(reading.cpu_percent) +
         ", \"memory_mib\": " + std::to_string(reading.memory_mib) +
         ", \"disk_bytes\": " + std::to_string(reading.disk_bytes) + "}";
}

}  // namespace

Result<std::vector<Metrics>> read_sandboxes(const SandboxOptions& where) {
  std::vector<Metrics> readings = TRY(Sandbox::list(where));
  std::ranges::sort(readings, {}, [](const Metrics& reading) {
    return std::tie(reading.namespace_, reading.name);
  });
  return readings;
}

const Metrics* find_reading(const std::vector<Metrics>& readings, std::string_view name) {
  const auto found = std::ranges::find(readings, name, &Metrics::name);
  return found == readings.end() ? nullptr : &*found;
}

Error unknown_sandbox(std::string_view name, const SandboxOptions& where) {
  return {ErrorCode::kNotFound,
          "no sandbox '" + std::string(name) + "' in namespace '" + where.namespace_ + "'"};
}

std::string json_of(const std::vector<Metrics>& readings, JsonForm form) {
  const bool in_lines = form == JsonForm::kLines && !readings.empty();
  std::string json = "[";
  for (const Metrics& reading : readings) {
    json += json.size() == 1 ? "" : in_lines ? "," : ", ";
    json += (in_lines ? "\n  " : "") + json_of(reading);
  }
  return json + (in_lines ? "\n]\n" : "]\n");
}

std::string table_of(const std::vector<Metrics>& readings, const SandboxOptions& where,
                     Columns columns) {
  const bool several = where.namespace_ == "*";
  std::vector<std::string> heads = {"NAME", "STATUS"};
  if (several) {
    heads.insert(heads.begin(), "NAMESPACE");
  }
  if (columns == Columns::kState) {
    heads.emplace_back("ISOLATION");
  } else {
    heads.insert(heads.end(), {"CPU", "MEMORY", "DISK"});
  }
  Table table(std::move(heads));
  for (const Metrics& reading : readings) {
    std::vector<std::string> row = {reading.name, state_of(reading)};
    if (several) {
      row.insert(row.begin(), reading.namespace_);
    }
    if (columns == Columns::kState) {
      row.push_back(reading.isolation.empty() ? "-" : reading.isolation);
    } else if (reading.is_running) {
      row.push_back(percent_text(reading.cpu_percent) + " %");
      row.push_back(size_text(static_cast<std::uint64_t>(reading.memory_mib) * kBytesPerMib));
      row.push_back(size_text(static_cast<std::uint64_t>(reading.disk_bytes)));
    } else {
      row.insert(row.end(), 3, "-");
    }
    table.add(std::move(row));
  }
  return table.text();
}

}  // namespace msb::cli
