// SPDX-License-Identifier: Apache-2.0
//
// A server's end of its launcher: started while the server still has the rights that it is going
// to give up.
#pragma once

#include <sys/types.h>

#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation {

struct LauncherOptions {
  std::string launcher_path;  // msb-launcher executable
  std::string warden_path;
  std::string agent_path;
  std::string unpack_path;
  std::string home;
  // Rules that a warden gets from the launcher, and the server cannot change any more.
  std::vector<std::string> tiers;         // that sandboxes may have; none: any
  std::vector<std::string> volume_roots;  // absolute and resolved; a volume lies beneath one
};

class LauncherClient {
 public:
  // The launcher ends with the object, and with its program.
  static Result<std::shared_ptr<LauncherClient>> spawn(const LauncherOptions& options);

  // As ChildProcess::spawn, for msb-warden and msb-unpack. Thread-safe.
  Result<base::ChildProcess> start(const base::ChildSpec& spec);

 private:
  LauncherClient(base::UniqueFd socket, base::ChildProcess process)
      : process_(std::move(process)), socket_(std::move(socket)) {}

  base::ChildProcess process_;
  std::mutex mutex_;  // one request at a time
  base::UniqueFd socket_;
  // Children whose descriptors could not be received, still to be waited for. Guarded by mutex_.
  std::vector<pid_t> unheld_;
};

}  // namespace msb::isolation
