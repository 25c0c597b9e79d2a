// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/pool_policy.h"

namespace msb::engine {

// As /proc/meminfo says; zeros when it cannot be read.
HostMemory read_host_memory();

}  // namespace msb::engine
