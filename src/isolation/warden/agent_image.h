// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::warden {

// The agent's executable as a sealed memory file: every sandbox runs the same bytes, none of them
// can change, and no image needs to hold a file of ours.
Result<base::UniqueFd> load_agent(const std::string& path);

}  // namespace msb::isolation::warden
