// SPDX-License-Identifier: Apache-2.0
#include "targets.h"

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <random>
#include <sstream>
#include <thread>

#include "base/file.h"

namespace msb::soak {
namespace {

constexpr std::size_t kMaxProcBytes = 1 << 20;

std::string read(pid_t pid, const std::string& file) {
  return base::read_file("/proc/" + std::to_string(pid) + file, kMaxProcBytes)
      .value_or(std::string());
}

// Also those of threads other than the first.
std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> children;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::error_code error;
  for (std::filesystem::directory_iterator at(tasks, error), end; !error && at != end;
       at.increment(error)) {
    std::istringstream list(
        base::read_file(at->path().string() + "/children", kMaxProcBytes).value_or(""));
    for (pid_t child = 0; list >> child;) {
      children.push_back(child);
    }
  }
  return children;
}

bool is_warden(pid_t pid) {
  return read(pid, "/comm") == "msb-warden\n";
}

}  // namespace

std::vector<pid_t> find_targets(pid_t program, Target target) {
  std::vector<pid_t> found;
  for (const pid_t keeper : children_of(program)) {
    if (!is_warden(keeper)) {
      continue;
    }
    for (const pid_t warden : children_of(keeper)) {
      if (target == Target::kWarden) {
        found.push_back(warden);
        continue;
      }
      for (const pid_t agent : children_of(warden)) {
        // Not one that is still being built: that is a part of the warden.
        if (is_warden(agent)) {
          continue;
        }
        if (target == Target::kAgent) {
          found.push_back(agent);
          continue;
        }
        for (const pid_t inside : children_of(agent)) {
          const std::string name = read(inside, "/comm");
          if (name.starts_with("python") || name.starts_with("node")) {
            found.push_back(inside);
          }
        }
      }
    }
  }
  return found;
}

int run_killer(pid_t program, Target target, int signal_number, int count, unsigned seed) {
  std::mt19937 random(seed);
  for (int done = 0; done < count;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + random() % 180));
    if (::kill(program, 0) < 0) {
      return 1;
    }
    const std::vector<pid_t> targets = find_targets(program, target);
    if (targets.empty()) {
      continue;
    }
    const pid_t victim = targets[random() % targets.size()];
    if (::kill(victim, signal_number) == 0) {
      ++done;
      std::printf("%d\n", victim);
      std::fflush(stdout);
    }
  }
  return 0;
}

std::string name_of(Target target) {
  switch (target) {
    case Target::kAgent:
      return "agent";
    case Target::kRepl:
      return "repl";
    case Target::kWarden:
      break;
  }
  return "warden";
}

}  // namespace msb::soak
