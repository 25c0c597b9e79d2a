// SPDX-License-Identifier: Apache-2.0
//
// What the kernel counts of the sandbox that this process is in: of its cgroup (version 2, whose
// root is at /sys/fs/cgroup inside) and of the file system beneath its root. Zero is what is not
// there.
#pragma once

#include <optional>

#include "wire/messages.h"

namespace msb::agent {

wire::Measured measure();

// Of one exec or run, where the host wants to know.
class LimitCount {
 public:
  void begin(const wire::Configure& settings);
  // Nothing: it has not begun, or nobody wants to know.
  std::optional<wire::LimitsMet> end() const;

 private:
  std::optional<wire::LimitsMet> before_;
};

}  // namespace msb::agent
