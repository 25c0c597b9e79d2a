// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <string>
#include <utility>

#include "base/locations.h"
#include "base/sys.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/sandbox_log.h"
#include "cli/verb_server_parts.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "server log",
    .usage = "[OPTIONS] [NAME]",
    .about =
        "Print the log of this home's server, a line of JSON for each request; with NAME, that of\n"
        "a running sandbox in it. The server's is kept when it runs detached; otherwise the log "
        "is\n"
        "what it prints on stderr.",
    .epilogue =
        "Examples:\n"
        "  msb server log --tail 20\n"
        "  msb server log --follow | jq 'select(.status >= 400)'\n"
        "  msb server log web",
};

// tail knows how to follow a file that is renamed and begun anew.
Result<int> become_tail(const std::string& path, const LogRequest& request) {
  std::string tail = "tail";
  std::string option = "-n";
  std::string lines = request.last_lines ? std::to_string(*request.last_lines) : "+1";
  std::string how = request.follow ? "-F" : "-q";
  std::string file = path;
  char* const argv[] = {tail.data(), option.data(), lines.data(), how.data(), file.data(), nullptr};
  ::execvp(tail.c_str(), argv);
  return std::unexpected(base::sys::error("execve", tail));
}

Result<int> print_own_log(const Context& context, const LogRequest& request) {
  const std::string path = TRY(base::home_folder(context.home)) + "/server.log";
  if (::access(path.c_str(), R_OK) != 0) {
    const Error error = base::sys::error("open", path);
    if (error.cause() != ErrorCode::kNotFound) {
      return std::unexpected(error);
    }
    return fail(ErrorCode::kNotFound,
                "no log: no server of this home has been started with --detach");
  }
  return become_tail(path, request);
}

}  // namespace

Result<int> server_log(Context context, std::vector<std::string> words) {
  LogRequest request;
  std::string namespace_name = "default";
  Arguments arguments(context, kHelp);
  arguments.flag("-f,--follow", "Go on with what is added", request.follow);
  arguments.value("-t,--tail", "N", "Only the last N lines (all)", lines_into(request.last_lines));
  arguments.text("-n,--namespace", "NS", "Namespace of that sandbox (default)", namespace_name);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() > 1) {
    return std::unexpected(usage_error(kHelp.verb, "unexpected '" + operands->back() + "'"));
  }
  if (operands->empty()) {
    return print_own_log(context, request);
  }
  SandboxOptions where = TRY(connect_to_own(context, namespace_name));
  where.name = operands->front();
  return print_log(kHelp.verb, where, request);
}

}  // namespace msb::cli
