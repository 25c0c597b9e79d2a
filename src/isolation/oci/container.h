// SPDX-License-Identifier: Apache-2.0
//
// A process on its way to an OCI runtime. Like a jail's first process (jail/jail.h) it is cloned by
// the warden into a new pid namespace, and makes the sandbox's root; then, instead of giving its
// powers up itself, it writes down in a bundle how the runtime shall, and becomes the runtime.
//
//   warden ──clone3──► [builder: real root] ──execve──► runtime (pid 1) ──► agent (pid 1 of its
//   own)
//
// The death of the runtime is the death of the sandbox, whichever way it dies.
#pragma once

#include "isolation/jail/jail.h"
#include "isolation/oci/runtime.h"

namespace msb::isolation::oci {

// Never returns: becomes the runtime, or reports why not and exits.
[[noreturn]] void run(jail::Plan& plan);

}  // namespace msb::isolation::oci
