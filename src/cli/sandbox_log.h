// SPDX-License-Identifier: Apache-2.0
//
// The log of a sandbox on a server: what its background command has written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "cli/arguments.h"
#include "msb/options.h"
#include "msb/result.h"

namespace msb::cli {

struct LogRequest {
  std::optional<std::uint32_t> last_lines;  // nothing: all that is kept
  bool follow = false;                      // until the sandbox ends
};

// `where` has the sandbox's name. The exit status.
Result<int> print_log(std::string_view verb, const SandboxOptions& where,
                      const LogRequest& request);

// Takes --tail.
Arguments::ValueParser lines_into(std::optional<std::uint32_t>& into);

// Exposed for tests. What `now` has that `before` had not: both are the end of the same text, which
// may have grown, and whose beginning may have gone.
std::string_view added(std::string_view before, std::string_view now);
std::string_view last_lines(std::string_view text, std::uint32_t count);

}  // namespace msb::cli
