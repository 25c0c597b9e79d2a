// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/try.h"
#include "isolation/oci/runtime.h"

namespace msb::isolation::warden {

// Has the runtime run an agent in an empty root, restrained as a warden is, until it answers. For a
// process with one thread, which is of no use for anything else then.
Result<> try_runtime(const oci::Runtime& runtime, const std::string& home,
                     const std::string& agent_path);

}  // namespace msb::isolation::warden
