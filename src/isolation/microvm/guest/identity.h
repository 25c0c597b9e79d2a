// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/try.h"
#include "isolation/microvm/guest_messages.h"

namespace msb::isolation::microvm {

// Makes the kernel somebody of its own: random numbers that nobody else has seen, the right time, a
// boot id. All of it or an error.
Result<> assume(const Identity& identity);

Result<> set_clock(std::int64_t realtime_ns);

// Gives the host name, in the namespace that is `uts`.
Result<> rename_host(int uts, const std::string& hostname);

}  // namespace msb::isolation::microvm
