// SPDX-License-Identifier: Apache-2.0
#include "cli/each_sandbox.h"

#include <utility>

#include "base/try.h"
#include "cli/connection.h"
#include "cli/readings.h"
#include "cli/report.h"

namespace msb::cli {

Result<int> for_each_sandbox(Context context, const VerbHelp& help, std::vector<std::string> words,
                             const SandboxStep& step) {
  ConnectionFlags connection;
  Arguments arguments(context, help);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto names = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!names) {
    return 0;
  }
  if (names->empty()) {
    return std::unexpected(usage_error(help.verb, "which sandbox? NAME is missing"));
  }
  SandboxOptions where = TRY(connect(context, connection));
  const auto readings = read_sandboxes(where);
  if (!readings) {
    return say_remote_error(help.verb, readings.error(), where);
  }
  int status = 0;
  for (const std::string& name : *names) {
    const Metrics* const reading = find_reading(*readings, name);
    if (reading == nullptr) {
      say_error(help.verb, unknown_sandbox(name, where));
      status = kOurFailure;
      continue;
    }
    where.name = name;
    if (const auto done = step(where, *reading); !done) {
      status = say_remote_error(help.verb, done.error(), where);
    }
  }
  return status;
}

}  // namespace msb::cli
