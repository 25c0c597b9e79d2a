// SPDX-License-Identifier: Apache-2.0
//
// A sandbox that was made before it was known for whom, and how it becomes somebody's. The jail
// left descriptors of what only the host's side can change later: the guest has no power over its
// host name, and its /dev/shm is out of the warden's sight.
#pragma once

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/cgroup/backend.h"
#include "isolation/sandbox_spec.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation::warden {

struct Spare {
  Limits limits;  // it was made with
  base::UniqueFd host_name;
  base::UniqueFd shared_memory;
};

// For a single-threaded caller, which is in the sandbox's UTS namespace for a moment.
Result<> adjust(const Spare& spare, const AdjustRequest& request, cgroup::Backend& cgroups);

}  // namespace msb::isolation::warden
