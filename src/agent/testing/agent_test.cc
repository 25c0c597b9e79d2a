// SPDX-License-Identifier: Apache-2.0
#include "agent/testing/agent_test.h"

#include <dirent.h>
#include <poll.h>

#include <cstdlib>

#include "base/file.h"
#include "base/sys.h"

namespace msb::agent::testing {

std::size_t proc_kib(pid_t pid, const std::string& file, const std::string& name) {
  const std::string text =
      base::read_file("/proc/" + std::to_string(pid) + "/" + file, 1 << 20).value_or("");
  const std::size_t line = text.find(name + ":");
  return line == std::string::npos
             ? 0
             : std::strtoul(text.c_str() + line + name.size() + 1, nullptr, 10);
}

std::size_t open_descriptors(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/fd";
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  std::size_t count = 0;
  while (folder && ::readdir(folder.get()) != nullptr) {
    ++count;
  }
  return count;
}

bool wait_until_gone(pid_t pid) {
  const auto pidfd = base::sys::pidfd_open(pid);
  return !pidfd || base::sys::poll_one(pidfd->get(), POLLIN, kDeadline).value_or(false);
}

}  // namespace msb::agent::testing
