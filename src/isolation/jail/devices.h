// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::jail {

// How device nodes come into a sandbox's /dev.
enum class DeviceNodes {
  kMake,         // as the host's root
  kBindFromHost  // rootless
};

// Mounts a minimal /dev: null, zero, full, random, urandom, tty, a terminal multiplexer of its own,
// and shared memory bounded by half the sandbox's memory. Returns the mount of that.
Result<base::UniqueFd> mount_devices(int root_fd, const IdRange& range, std::uint64_t memory_bytes,
                                     DeviceNodes nodes);

// Changes that bound, of a mount in whatever namespace.
Result<> resize_shared_memory(int mount_fd, std::uint64_t memory_bytes);

}  // namespace msb::isolation::jail
