// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/try.h"
#include "engine/definitions.h"

namespace msb::engine {

// Everything that `name` would need to run, followed through the stored definitions: each must be
// running or defined (kNotFound), and none may need `name` again (kInvalidArgument; the text shows
// the cycle).
Result<> check_dependency_graph(const Name& name, const std::vector<std::string>& depends_on,
                                Definitions& definitions,
                                const std::function<bool(const Name&)>& is_running);

}  // namespace msb::engine
