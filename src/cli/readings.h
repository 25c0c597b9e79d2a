// SPDX-License-Identifier: Apache-2.0
//
// The sandboxes of a server, for people and for programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "msb/metrics.h"
#include "msb/options.h"
#include "msb/result.h"

namespace msb::cli {

// All of where.namespace_, by namespace and name.
Result<std::vector<Metrics>> read_sandboxes(const SandboxOptions& where);

// Null: there is none of that name.
const Metrics* find_reading(const std::vector<Metrics>& readings, std::string_view name);
// "no sandbox 'x' in namespace 'default'"
Error unknown_sandbox(std::string_view name, const SandboxOptions& where);

// An array of objects; each on a line of its own, or all on one.
enum class JsonForm { kLines, kOneLine };
std::string json_of(const std::vector<Metrics>& readings, JsonForm form);

enum class Columns { kState, kUsage };
// The namespace is a column where `where` means several.
std::string table_of(const std::vector<Metrics>& readings, const SandboxOptions& where,
                     Columns columns);

}  // namespace msb::cli
