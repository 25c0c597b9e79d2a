// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "base/try.h"

namespace msb::isolation::jail {

// Limits of the calling process that its descendants inherit and cannot raise. `max_processes` is
// set where no cgroup counts processes: it then holds per user id of the sandbox.
Result<> set_resource_limits(std::optional<std::uint32_t> max_processes);

// When the host itself runs out of memory, sandboxes are to die before the host's programs.
void prefer_as_oom_victim();

}  // namespace msb::isolation::jail
