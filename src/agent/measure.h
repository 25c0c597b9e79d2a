// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire/messages.h"

namespace msb::agent {

// What the kernel counts of the sandbox that this process is in: of its cgroup (version 2, whose
// root is at /sys/fs/cgroup inside) and of the file system beneath its root. Zero is what is not
// there.
wire::Measured measure();

}  // namespace msb::agent
