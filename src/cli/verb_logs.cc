// SPDX-License-Identifier: Apache-2.0
//
// msb logs. ^C may end it at any time: nothing is held.
#include <string>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/sandbox_log.h"
#include "cli/verb.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "logs",
    .usage = "[OPTIONS] NAME",
    .about =
        "Print what the background command (--exec) of a running sandbox on a server has written:\n"
        "the last mebibyte of it.",
    .epilogue =
        "Examples:\n"
        "  msb start web alpine --exec 'httpd -f -v'\n"
        "  msb logs --follow web",
};

}  // namespace

Result<int> sandbox_logs(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  LogRequest request;
  Arguments arguments(context, kHelp);
  arguments.flag("-f,--follow", "Go on with what is added, until the sandbox ends", request.follow);
  arguments.value("-t,--tail", "N", "Only the last N lines (all)", lines_into(request.last_lines));
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() != 1) {
    return std::unexpected(usage_error(kHelp.verb, "give one NAME"));
  }
  SandboxOptions where = TRY(connect(context, connection));
  where.name = operands->front();
  return print_log(kHelp.verb, where, request);
}

}  // namespace msb::cli
