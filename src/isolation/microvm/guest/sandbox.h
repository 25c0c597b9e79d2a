// SPDX-License-Identifier: Apache-2.0
//
// The sandbox inside a machine: a jail like any other, whose layers and disk are block devices. So
// what runs in it finds the same walls, and the same behaviour, as on the jail tier, and a guest
// that would attack the machine has them to break first.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/cgroup/backend.h"
#include "isolation/microvm/guest/boot.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation::microvm {

// The one sandbox of its machine.
inline constexpr const char* kSandboxId = "0000000000000001";

struct InnerSandbox {
  pid_t pid = -1;
  base::UniqueFd pidfd;
  std::unique_ptr<cgroup::Backend> cgroups;
};

// Returns when the agent is being executed. The caller is in the sandbox's UTS namespace from then
// on, to give it another host name by one call.
Result<InnerSandbox> start_sandbox(const Booted& booted, const std::string& hostname,
                                   const Limits& limits);

}  // namespace msb::isolation::microvm
