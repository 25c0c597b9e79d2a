// SPDX-License-Identifier: Apache-2.0
//
// The jail of a QEMU: a guest that breaks out of its machine finds itself in it. Namespaces of its
// own, none of them with a network; an identity that owns nothing but the volumes' files; a root of
// QEMU's own libraries, read-only, and the volumes; its two disks as open descriptors; the system
// calls and limits of any sandbox.
#pragma once

#include "isolation/jail/jail.h"

namespace msb::isolation::microvm {

// Never returns: becomes msb-vm, or reports why not and exits. `plan.machine` is there.
[[noreturn]] void run(jail::Plan& plan);

// Of a sandbox's limits, what its QEMU may use of the host.
Limits limits_around(const Limits& inside);
// The same until it has booted, which is not the sandbox's work: at least one processor.
Limits limits_while_booting(const Limits& around);

}  // namespace msb::isolation::microvm
