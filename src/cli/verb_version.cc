// SPDX-License-Identifier: Apache-2.0
#include <sys/utsname.h>

#include <cstdio>
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/json_text.h"
#include "cli/verb.h"
#include "msb/host.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "version",
    .usage = "[--json]",
    .about = "Print the version.",
    .epilogue =
        "Examples:\n"
        "  msb version\n"
        "  msb version --json | jq -r .version",
};

}  // namespace

Result<int> version(Context context, std::vector<std::string> words) {
  bool as_json = false;
  Arguments arguments(context, kHelp);
  arguments.flag("--json", "Print it as JSON", as_json);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (!operands->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "unexpected '" + operands->front() + "'"));
  }
  const std::string number(msb::version());
  if (!as_json) {
    std::printf("msb %s\n", number.c_str());
    return 0;
  }
  struct utsname host{};
  ::uname(&host);
  std::printf("{\"version\": %s, \"os\": %s, \"kernel\": %s, \"machine\": %s}\n",
              json_string(number).c_str(), json_string(host.sysname).c_str(),
              json_string(host.release).c_str(), json_string(host.machine).c_str());
  return 0;
}

}  // namespace msb::cli
