// SPDX-License-Identifier: Apache-2.0
//
// Things of the host that a guest must not reach, and the look at them afterwards.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "base/unique_fd.h"

namespace msb::security {

class HostBait {
 public:
  HostBait();
  HostBait(const HostBait&) = delete;
  HostBait& operator=(const HostBait&) = delete;
  ~HostBait();

  // "MSB_BAIT_FILE=/tmp/x/canary", ... for the programs of tests/guest.
  const std::vector<std::string>& environment() const { return environment_; }
  void add(const std::string& name, const std::string& value);

  // A folder that is given to sandboxes as /shared.
  const std::string& shared() const { return shared_.path(); }

  // What is not as it was laid out: one line each. Empty: all is well.
  std::string damage() const;

 private:
  std::string canary_path() const { return folder_.path() + "/canary"; }

  base::TempDir folder_;
  base::TempDir shared_;
  base::ChildProcess victim_;
  base::UniqueFd stream_;     // TCP on loopback
  base::UniqueFd datagrams_;  // UDP on the same port
  base::UniqueFd abstract_;   // a Unix socket without a path
  int shared_memory_ = -1;
  std::string queue_;
  std::string settings_;  // of the kernel, as they were
  std::vector<std::string> environment_;
};

}  // namespace msb::security
