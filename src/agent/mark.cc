// SPDX-License-Identifier: Apache-2.0
#include "agent/mark.h"

#include <dirent.h>
#include <signal.h>
#include <sys/random.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/file.h"

namespace msb::agent {
namespace {

// So many microseconds are no limit. Below the base: 32 bits for the agent, then the counter.
constexpr std::uint64_t kMarkBase = std::uint64_t{1} << 62;
constexpr int kCounterBits = 29;
constexpr std::uint64_t kCounterMask = (std::uint64_t{1} << kCounterBits) - 1;
constexpr std::size_t kMaxProcFileBytes = 16 * 1024;
// A round can miss what is forked behind its back; stopped processes fork no more, so rounds find
// less and less.
constexpr int kMaxRounds = 16;

struct ProcessStat {
  char state = '?';
  pid_t parent = 0;
  pid_t session = 0;
};

std::string read_proc(pid_t pid, const char* name) {
  return base::read_file("/proc/" + std::to_string(pid) + "/" + name, kMaxProcFileBytes)
      .value_or("");
}

std::optional<ProcessStat> read_stat(pid_t pid) {
  const std::string text = read_proc(pid, "stat");
  // The name in parentheses is the process's own choice, parentheses included.
  const std::size_t end = text.rfind(')');
  ProcessStat stat;
  pid_t group = 0;
  if (end == std::string::npos || std::sscanf(text.c_str() + end + 1, " %c %d %d %d", &stat.state,
                                              &stat.parent, &group, &stat.session) != 4) {
    return std::nullopt;
  }
  return stat;
}

struct Marks {
  std::uint64_t first;
  std::uint64_t last;
};

bool carries_one_of(pid_t pid, Marks marks) {
  constexpr std::string_view kLine = "Max realtime timeout";
  const std::string limits = read_proc(pid, "limits");
  const std::size_t line = limits.find(kLine);
  unsigned long long hard = 0;
  return line != std::string::npos &&
         std::sscanf(limits.c_str() + line + kLine.size(), "%*s %llu", &hard) == 1 &&
         hard >= marks.first && hard <= marks.last;
}

// Stops what belongs to (leader, marks) and was not found before. False: nothing new.
bool stop_new(pid_t leader, Marks marks, std::set<pid_t>& found) {
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), &::closedir);
  bool news = false;
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    pid_t pid = 0;
    const char* end = entry->d_name + std::strlen(entry->d_name);
    if (std::from_chars(entry->d_name, end, pid).ptr != end || found.contains(pid)) {
      continue;
    }
    const auto stat = read_stat(pid);
    if (!stat || stat->state == 'Z' || stat->state == 'X') {
      continue;
    }
    const bool kin = leader > 0 && (stat->session == leader || found.contains(stat->parent));
    if (kin || carries_one_of(pid, marks)) {
      ::kill(pid, SIGSTOP);
      found.insert(pid);
      news = true;
    }
  }
  return news;
}

void kill_family(pid_t leader, Marks marks) {
  std::set<pid_t> found;
  if (leader > 0) {
    // The group at once: no member can fork between being seen and being killed.
    ::kill(-leader, SIGKILL);
    found.insert(leader);
  }
  for (int round = 0; round < kMaxRounds && stop_new(leader, marks, found); ++round) {
  }
  found.erase(leader);
  for (const pid_t pid : found) {
    ::kill(pid, SIGKILL);
  }
}

std::uint64_t first_mark() {
  static const std::uint64_t first = [] {
    std::uint32_t agent = 0;
    // Without entropy it is 0: marks then differ within this agent only, which is all that a
    // sandbox (one agent, one pid namespace) needs.
    [[maybe_unused]] const ssize_t size = ::getrandom(&agent, sizeof agent, GRND_NONBLOCK);
    return kMarkBase + (std::uint64_t{agent} << kCounterBits);
  }();
  return first;
}

}  // namespace

std::uint64_t new_mark() {
  static std::uint64_t counter = 0;
  return first_mark() + (counter++ & kCounterMask);
}

void kill_marked(pid_t leader, std::uint64_t mark) {
  kill_family(leader, {mark, mark});
}

void kill_all_marked() {
  kill_family(0, {first_mark(), first_mark() + kCounterMask});
}

}  // namespace msb::agent
