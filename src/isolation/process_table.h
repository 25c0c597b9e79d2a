// SPDX-License-Identifier: Apache-2.0
//
// The processes of this host as /proc tells them, with what an audit wants to know of each.
#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace msb::isolation {

struct ProcessEntry {
  pid_t pid = 0;
  pid_t parent = 0;
  char state = '?';                  // as in /proc/<pid>/stat; 'Z': ended, and not yet waited for
  std::string name;                  // the kernel's, 15 bytes; a guest may choose its own
  std::vector<std::string> argv;     // empty when it has ended
  std::string engine_id;             // whose cgroup it is in; empty: no engine's
  std::map<int, std::string> files;  // descriptors whose target was asked for
};

class ProcessTable {
 public:
  // `keep` says of which descriptors the target ("/path", "socket:[123]") is of interest. Other
  // users' descriptors cannot be seen without root; they are left out.
  static ProcessTable read(const std::function<bool(std::string_view target)>& keep);

  const std::map<pid_t, ProcessEntry>& all() const { return entries_; }
  const ProcessEntry* find(pid_t pid) const;
  std::vector<const ProcessEntry*> children_of(pid_t pid) const;
  // Children, their children, ...
  std::size_t count_beneath(pid_t pid) const;

 private:
  std::map<pid_t, ProcessEntry> entries_;
};

// Of a process with one thread, now: later than any table.
std::size_t count_children_now(pid_t pid);

}  // namespace msb::isolation
