// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

// 0: this kernel has no Landlock, or it is switched off.
int landlock_abi();

// The calling process and its descendants make no device nodes and, where the kernel can say so,
// reach no process and no abstract socket but each other's. A second wall: each of these is already
// refused elsewhere. Does nothing below ABI 2, whose every ruleset forbids moving files between
// folders.
Result<> restrict_by_landlock();

}  // namespace msb::isolation::jail
