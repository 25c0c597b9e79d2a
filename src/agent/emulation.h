// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace msb::agent {

// Whether the processor is QEMU's own emulation (TCG), as it says of itself. Asked once: in a
// virtual machine the answer is the hypervisor's, and takes some 10 us.
bool is_emulated();

}  // namespace msb::agent
