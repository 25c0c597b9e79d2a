// SPDX-License-Identifier: Apache-2.0
//
// What an engine can have the supervisor of a machine do (StartedSandbox::orders).
#pragma once

#include "base/try.h"

namespace msb::isolation {

// Pauses the machine, for good, and writes its state but for its memory into `file`. From then on
// its memory file and its disk are what the state belongs to.
Result<> save_machine(int orders, int file);

}  // namespace msb::isolation
