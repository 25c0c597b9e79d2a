// SPDX-License-Identifier: Apache-2.0
#include "host_traces.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <system_error>
#include <vector>

namespace msb::contract {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    result.push_back(line);
  }
  return result;
}

void each_entry(const fs::path& folder, const std::function<void(const fs::path&)>& visit) {
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    visit(entry.path());
  }
}

}  // namespace

std::set<pid_t> descendants_of(pid_t pid) {
  std::set<pid_t> all;
  each_entry("/proc/" + std::to_string(pid) + "/task", [&](const fs::path& task) {
    std::istringstream children(read(task / "children"));
    for (pid_t child = 0; children >> child;) {
      all.insert(child);
      all.merge(descendants_of(child));
    }
  });
  return all;
}

std::string process_name(pid_t pid) {
  const std::string name = read("/proc/" + std::to_string(pid) + "/comm");
  return name.substr(0, name.find('\n'));
}

HostTraces HostTraces::take(const std::string& home) {
  HostTraces result;
  std::set<std::string>& traces = result.traces_;
  for (const std::string& line : lines(read("/proc/self/mounts"))) {
    if (line.find(home) != std::string::npos || line.find("msb") != std::string::npos) {
      traces.insert("mount " + line);
    }
  }
  each_entry("/sys/block", [&](const fs::path& device) {
    const std::string file = read(device / "loop/backing_file");
    if (file.find(home) != std::string::npos) {
      traces.insert("loop device of " + file);
    }
  });
  for (const char* parent : {"run", "sandboxes", "tmp"}) {
    each_entry(home + "/" + parent, [&](const fs::path& folder) {
      traces.insert("folder " + folder.string());
      each_entry(folder, [&](const fs::path& entry) { traces.insert("file " + entry.string()); });
    });
  }
  each_entry(home + "/run", [&](const fs::path& engine) {
    const std::string group = "msb-" + engine.filename().string();
    each_entry("/sys/fs/cgroup", [&](const fs::path& hierarchy) {
      std::error_code error;
      for (const fs::path& place : {hierarchy / group, fs::path("/sys/fs/cgroup") / group}) {
        if (fs::exists(place, error)) {
          each_entry(place, [&](const fs::path& entry) {
            if (fs::is_directory(entry, error)) {
              traces.insert("cgroup " + entry.string());
            }
          });
        }
      }
    });
  });
  for (const pid_t child : descendants_of(::getpid())) {
    traces.insert("process " + std::to_string(child) + " " + process_name(child));
  }
  each_entry("/proc/self/fd", [&](const fs::path& fd) {
    std::error_code error;
    const std::string target = fs::read_symlink(fd, error).string();
    if (!error && target.find("/proc/") != 0) {
      traces.insert("descriptor " + fd.filename().string() + " " + target);
    }
  });
  return result;
}

std::string HostTraces::difference(const HostTraces& before) const {
  std::string text;
  for (const std::string& trace : traces_) {
    if (!before.traces_.contains(trace)) {
      text += trace + "\n";
    }
  }
  return text;
}

}  // namespace msb::contract
