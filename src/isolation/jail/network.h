// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/try.h"

namespace msb::isolation::jail {

// Brings the loopback of the calling process's network namespace up, and gives the sandbox what its
// missing power over the namespace would else deny: low ports, ping.
Result<> set_up_loopback();

}  // namespace msb::isolation::jail
