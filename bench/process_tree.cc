// SPDX-License-Identifier: Apache-2.0
#include "bench/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"

namespace msb::bench {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr double kKibPerMib = 1024;
constexpr double kBytesPerMib = 1 << 20;

std::string file_of(pid_t pid, const char* name) {
  return base::read_file("/proc/" + std::to_string(pid) + "/" + name, kMaxFileBytes)
      .value_or(std::string());
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir("/proc"), ::closedir);
  while (const dirent* entry = folder ? ::readdir(folder.get()) : nullptr) {
    if (const auto pid = base::parse_number<pid_t>(entry->d_name)) {
      all.push_back(*pid);
    }
  }
  return all;
}

// "PID (NAME) STATE PARENT ...", from the parent on; the name may hold anything, parentheses too.
std::istringstream stat_of(pid_t pid) {
  const std::string stat = file_of(pid, "stat");
  const std::size_t end = stat.rfind(") ");
  return std::istringstream(end == std::string::npos ? "" : stat.substr(end + 3));
}

std::optional<pid_t> parent_of(pid_t pid) {
  pid_t parent = 0;
  return stat_of(pid) >> parent ? std::optional(parent) : std::nullopt;
}

// The number after `name` at the beginning of a line.
double number_in(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name)) {
      double value = 0;
      std::istringstream(line.substr(name.size())) >> value;
      return value;
    }
  }
  return 0;
}

// Its cgroup beneath a hierarchy ("memory", or "" for v2).
std::optional<std::string> cgroup_of(const std::string& cgroups, std::string_view controller) {
  std::istringstream lines(cgroups);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second != std::string::npos &&
        std::string_view(line).substr(first + 1, second - first - 1) == controller) {
      return line.substr(second + 1);
    }
  }
  return std::nullopt;
}

// What the kernel charges a cgroup for itself.
double kernel_mib_of(const std::string& cgroups) {
  if (const auto place = cgroup_of(cgroups, "memory")) {
    const auto text = base::read_file(
        "/sys/fs/cgroup/memory" + *place + "/memory.kmem.usage_in_bytes", kMaxFileBytes);
    return text ? number_in(*text, "") / kBytesPerMib : 0;
  }
  if (const auto place = cgroup_of(cgroups, "")) {
    const auto text = base::read_file("/sys/fs/cgroup" + *place + "/memory.stat", kMaxFileBytes);
    return text ? number_in(*text, "kernel ") / kBytesPerMib : 0;
  }
  return 0;
}

}  // namespace

std::vector<pid_t> tree_of(pid_t root) {
  std::multimap<pid_t, pid_t> children;
  for (const pid_t pid : all_processes()) {
    if (const auto parent = parent_of(pid)) {
      children.emplace(*parent, pid);
    }
  }
  std::vector<pid_t> tree = {root};
  for (std::size_t i = 0; i < tree.size(); ++i) {
    const auto [begin, end] = children.equal_range(tree[i]);
    for (auto child = begin; child != end; ++child) {
      tree.push_back(child->second);
    }
  }
  return tree;
}

std::vector<pid_t> processes_with_argument(const std::string& word) {
  std::vector<pid_t> found;
  for (const pid_t pid : all_processes()) {
    const std::string arguments = std::string(1, '\0') + file_of(pid, "cmdline");
    if (arguments.contains(std::string(1, '\0') + word + std::string(1, '\0'))) {
      found.push_back(pid);
    }
  }
  return found;
}

Memory memory_of(const std::vector<pid_t>& processes) {
  Memory sum;
  std::set<std::string> cgroups;
  for (const pid_t pid : processes) {
    const std::string maps = file_of(pid, "smaps_rollup");
    sum.pss_mib += number_in(maps, "Pss:") / kKibPerMib;
    sum.private_mib +=
        (number_in(maps, "Private_Clean:") + number_in(maps, "Private_Dirty:")) / kKibPerMib;
    cgroups.insert(file_of(pid, "cgroup"));
  }
  cgroups.erase(file_of(::getpid(), "cgroup"));
  for (const std::string& cgroup : cgroups) {
    sum.kernel_mib += kernel_mib_of(cgroup);
  }
  return sum;
}

}  // namespace msb::bench
