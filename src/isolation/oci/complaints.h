// SPDX-License-Identifier: Apache-2.0
//
// What a runtime says on its standard error: kept in a pipe, which takes no more when it is full,
// until the end of the sandbox.
#pragma once

#include <cstddef>
#include <string>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::oci {

inline constexpr std::size_t kMaxComplaintBytes = 1024;

struct Complaints {
  base::UniqueFd ours;
  base::UniqueFd theirs;
};

Result<Complaints> open_complaints();

// The last line of it that says something, in printable characters: a guest may have had its hand
// in it. Empty: it has not said anything.
std::string read_complaint(const base::UniqueFd& ours);

}  // namespace msb::isolation::oci
