// SPDX-License-Identifier: Apache-2.0
#include "isolation/process_table.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/parse.h"
#include "isolation/cgroup/backend.h"

namespace msb::isolation {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxProcFileBytes = 1 << 20;
constexpr std::size_t kEngineIdBytes = 16;

// "123 (name) S 1 ...", where the name may hold anything, also brackets.
bool parse_stat(std::string_view text, ProcessEntry& entry) {
  const std::size_t open = text.find('(');
  const std::size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open ||
      text.size() < close + 4) {
    return false;
  }
  entry.name = text.substr(open + 1, close - open - 1);
  entry.state = text[close + 2];
  const std::string_view rest = text.substr(close + 4);
  const auto parent = base::parse_number<pid_t>(rest.substr(0, rest.find(' ')));
  entry.parent = parent.value_or(0);
  return parent.has_value();
}

std::vector<std::string> split_argv(std::string_view text) {
  std::vector<std::string> argv;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\0'), text.size());
    argv.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return argv;
}

// The engine whose group a line of /proc/<pid>/cgroup names: ".../msb-<16 digits>/<sandbox>".
std::string engine_in(std::string_view cgroups) {
  const std::string mark = "/" + std::string(cgroup::kEnginePrefix);
  for (std::size_t at = cgroups.find(mark); at != std::string_view::npos;
       at = cgroups.find(mark, at + 1)) {
    const std::string_view id = cgroups.substr(at + mark.size(), kEngineIdBytes);
    const std::size_t end = at + mark.size() + kEngineIdBytes;
    if (id.find_first_not_of("0123456789abcdef") == std::string_view::npos &&
        end < cgroups.size() && cgroups[end] == '/') {
      return std::string(id);
    }
  }
  return {};
}

std::string read_proc(const fs::path& path) {
  return base::read_file(path.string(), kMaxProcFileBytes).value_or(std::string());
}

std::map<int, std::string> files_of(const fs::path& folder,
                                    const std::function<bool(std::string_view)>& keep) {
  std::map<int, std::string> files;
  std::error_code error;
  for (fs::directory_iterator at(folder / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    std::string target = fs::read_symlink(at->path(), gone).string();
    const auto number = base::parse_number<int>(at->path().filename().string());
    if (!gone && number && keep(target)) {
      files.emplace(*number, std::move(target));
    }
  }
  return files;
}

}  // namespace

ProcessTable ProcessTable::read(const std::function<bool(std::string_view target)>& keep) {
  ProcessTable table;
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const auto pid = base::parse_number<pid_t>(at->path().filename().string());
    if (!pid) {
      continue;
    }
    ProcessEntry entry;
    entry.pid = *pid;
    if (!parse_stat(read_proc(at->path() / "stat"), entry)) {
      continue;  // it has ended meanwhile
    }
    entry.argv = split_argv(read_proc(at->path() / "cmdline"));
    entry.engine_id = engine_in(read_proc(at->path() / "cgroup"));
    entry.files = files_of(at->path(), keep);
    table.entries_.emplace(*pid, std::move(entry));
  }
  return table;
}

const ProcessEntry* ProcessTable::find(pid_t pid) const {
  const auto found = entries_.find(pid);
  return found == entries_.end() ? nullptr : &found->second;
}

std::vector<const ProcessEntry*> ProcessTable::children_of(pid_t pid) const {
  std::vector<const ProcessEntry*> children;
  for (const auto& [child, entry] : entries_) {
    if (entry.parent == pid) {
      children.push_back(&entry);
    }
  }
  return children;
}

std::size_t ProcessTable::count_beneath(pid_t pid) const {
  // A guest makes the depth, so not by recursion; and what is read of /proc one by one may be a
  // ring.
  std::vector<const ProcessEntry*> beneath = children_of(pid);
  for (std::size_t i = 0; i < beneath.size() && beneath.size() < entries_.size(); ++i) {
    const auto children = children_of(beneath[i]->pid);
    beneath.insert(beneath.end(), children.begin(), children.end());
  }
  return beneath.size();
}

std::size_t count_children_now(pid_t pid) {
  const std::string self = std::to_string(pid);
  const std::string list = read_proc("/proc/" + self + "/task/" + self + "/children");
  return static_cast<std::size_t>(std::ranges::count(list, ' '));
}

}  // namespace msb::isolation
