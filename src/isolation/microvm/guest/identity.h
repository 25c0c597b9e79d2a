// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/microvm/guest_messages.h"

namespace msb::isolation::microvm {

// Opened once: a clone becomes somebody else without opening anything.
struct IdentityFiles {
  base::UniqueFd random;
  base::UniqueFd boot_id;
};

// After boot().
Result<IdentityFiles> open_identity_files();

// Makes the kernel somebody of its own: random numbers that nobody else has seen, the right time, a
// boot id. All of it or an error.
Result<> assume(const IdentityFiles& files, const Identity& identity);

Result<> set_clock(std::int64_t realtime_ns);

// Gives the sandbox its host name, which is the caller's as well (start_sandbox).
Result<> rename_host(const std::string& hostname);

}  // namespace msb::isolation::microvm
