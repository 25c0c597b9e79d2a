// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/context.h"
#include "msb/result.h"

namespace msb::cli {

// This process becomes msb-server with that verb ("start", "keygen", "mcp"), which takes the words
// as they are, prints its own help and ends with its own status. Returns only if it cannot.
Result<int> become_server_program(Context context, std::string_view verb,
                                  std::vector<std::string> words);

// What it prints on stdout. Its errors go to stderr.
Result<std::string> ask_server_program(const Context& context, std::string_view verb,
                                       std::vector<std::string> words);

}  // namespace msb::cli
