// SPDX-License-Identifier: Apache-2.0
//
// What a machine needs of its host: looked for, not booted, which takes seconds.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"
#include "isolation/host_probe.h"

namespace msb::isolation::microvm {

// `libexec`: the folder of our own programs.
std::vector<Finding> examine_host(bool is_root, const std::string& libexec);

// Without what no machine can be made at all: an error that says what to do. Checked before
// anything is made.
Result<> check_host(bool is_root);

}  // namespace msb::isolation::microvm
