// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <string>
#include <utility>

#include "base/locations.h"
#include "base/parse.h"
#include "base/sys.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/verb_server_parts.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "server log",
    .usage = "[OPTIONS]",
    .about =
        "Print the log of the server of this home: a line of JSON for each request. It is kept\n"
        "when the server runs detached; otherwise the log is what it prints on stderr.",
    .epilogue =
        "Examples:\n"
        "  msb server log --tail 20\n"
        "  msb server log --follow | jq 'select(.status >= 400)'",
};

// tail knows how to follow a file that is renamed and begun anew.
Result<int> become_tail(const std::string& path, std::string lines, bool follow) {
  std::string tail = "tail";
  std::string option = "-n";
  std::string how = follow ? "-F" : "-q";
  std::string file = path;
  char* const argv[] = {tail.data(), option.data(), lines.data(), how.data(), file.data(), nullptr};
  ::execvp(tail.c_str(), argv);
  return std::unexpected(base::sys::error("execve", tail));
}

}  // namespace

Result<int> server_log(Context context, std::vector<std::string> words) {
  bool follow = false;
  std::string lines = "+1";  // from the first one
  Arguments arguments(context, kHelp);
  arguments.flag("-f,--follow", "Go on with what is added", follow);
  arguments.value("-t,--tail", "N", "Only the last N lines (all)",
                  [&lines](std::string_view text) -> Result<> {
                    if (!base::parse_number<std::uint32_t>(text)) {
                      return fail(ErrorCode::kInvalidArgument,
                                  "'" + std::string(text) + "' is not a number of lines");
                    }
                    lines = text;
                    return {};
                  });
  if (!TRY(parse_without_operands(arguments, kHelp, std::move(words)))) {
    return 0;
  }
  const std::string path = TRY(base::home_folder(context.home)) + "/server.log";
  if (::access(path.c_str(), R_OK) != 0) {
    const Error error = base::sys::error("open", path);
    if (error.cause() != ErrorCode::kNotFound) {
      return std::unexpected(error);
    }
    return fail(ErrorCode::kNotFound,
                "no log: no server of this home has been started with --detach");
  }
  return become_tail(path, std::move(lines), follow);
}

}  // namespace msb::cli
