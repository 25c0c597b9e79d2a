// SPDX-License-Identifier: Apache-2.0
#include "processes.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <system_error>

#include "base/file.h"
#include "base/parse.h"

namespace msb::security {
namespace {

std::set<pid_t> processes(const std::string& file, const std::function<bool(std::string)>& meant) {
  std::set<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const auto pid = base::parse_number<pid_t>(entry.path().filename().string());
    if (!pid) {
      continue;
    }
    if (auto text = base::read_file(entry.path().string() + "/" + file, 64 * 1024);
        text && meant(*std::move(text))) {
      found.insert(*pid);
    }
  }
  return found;
}

}  // namespace

std::set<pid_t> processes_with(const std::string& text) {
  return processes("cmdline", [&](std::string line) {
    std::ranges::replace(line, '\0', ' ');
    return line.starts_with(text);
  });
}

std::set<pid_t> processes_named(const std::string& name) {
  return processes("comm", [&](const std::string& line) { return line == name + "\n"; });
}

}  // namespace msb::security
