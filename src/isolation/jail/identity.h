// SPDX-License-Identifier: Apache-2.0
//
// Who the calling process is: first a builder with the host's power that makes files in the
// sandbox's name, at the end the sandbox's root with almost none.
#pragma once

#include <cstdint>
#include <vector>

#include "base/try.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::jail {

// Files made from now on belong to the sandbox's root; capabilities are kept.
Result<> build_as(const IdRange& range);

// Enters the sandbox's user namespace as its root, for good: no supplementary groups, no_new_privs,
// and of its capabilities over that namespace only those that concern its own files and processes.
Result<> become_sandbox_root(int user_namespace);

// Never raised again by anything inside: neither the guest nor a set-user-id program.
const std::vector<int>& kept_capabilities();

}  // namespace msb::isolation::jail
