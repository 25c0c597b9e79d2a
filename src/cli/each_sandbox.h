// SPDX-License-Identifier: Apache-2.0
//
// Verbs that do one thing to each of several sandboxes on a server.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/context.h"
#include "msb/metrics.h"
#include "msb/options.h"
#include "msb/result.h"

namespace msb::cli {

// To the sandbox that `where` names, which is there.
using SandboxStep = std::function<Result<>(const SandboxOptions& where, const Metrics& reading)>;

// "[OPTIONS] NAME...": one after the other; one that the step cannot be done to does not keep the
// others from it.
Result<int> for_each_sandbox(Context context, const VerbHelp& help, std::vector<std::string> words,
                             const SandboxStep& step);

}  // namespace msb::cli
