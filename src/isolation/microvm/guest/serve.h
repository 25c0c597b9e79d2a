// SPDX-License-Identifier: Apache-2.0
//
// The init of a machine: boots it, builds the sandbox that msb-vm describes, and then does what
// msb-vm asks until the sandbox ends, which is the machine's end.
#pragma once

namespace msb::isolation::microvm {

// Never returns.
[[noreturn]] void serve_guest();

}  // namespace msb::isolation::microvm
