// SPDX-License-Identifier: Apache-2.0
//
// A pseudo terminal for one exec.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::agent {

struct Terminal {
  base::UniqueFd master;
  base::UniqueFd slave;
};

// The slave belongs to `owner` where the agent may give it away.
Result<Terminal> open_terminal(std::uint16_t rows, std::uint16_t columns, uid_t owner);
void resize_terminal(int master, std::uint16_t rows, std::uint16_t columns);

}  // namespace msb::agent
