// SPDX-License-Identifier: Apache-2.0
//
// msb-vm: the first process of a machine's jail on the host. It starts QEMU, brings the guest to
// the point where an agent answers, reports to the warden, and ends with QEMU or the sandbox.
//
//   warden ──clone, exec──► msb-vm ──► QEMU [ kernel ─► msb-guest ─► msb-agent ]
//                             │ ▲  monitor    │ control port
//                             │ └─────────────┘
//                             └── status: ready (the stream may be used), or why not
//
// It lives with QEMU, whose guest may have taken it over, in one jail: it is trusted with nothing.
#pragma once

#include <string_view>
#include <vector>

namespace msb::isolation::microvm {

// Descriptors beside QEMU's.
inline constexpr int kStatusFd = 9;
inline constexpr int kOrdersFd = 10;

// Its exit status when the guest's kernel has killed the agent for want of memory. The agent itself
// never ends with it.
inline constexpr int kOutOfMemoryStatus = 99;

// `words`: a Machine's, and the sandbox's "hostname=", "memory_bytes=", "cpus=", "max_processes=",
// "disk_bytes=", and any number of "volume=" and "weakness=". Returns the exit status: the agent's,
// or 128 and the signal, where it has ended.
int supervise(const std::vector<std::string_view>& words);

}  // namespace msb::isolation::microvm
