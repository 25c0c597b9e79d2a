// SPDX-License-Identifier: Apache-2.0
//
// msb metrics: what sandboxes on a server use, once or again and again. ^C may end it at any time:
// nothing is held.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/readings.h"
#include "cli/report.h"
#include "cli/sandbox_flags.h"
#include "cli/verb.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "metrics",
    .usage = "[OPTIONS] [NAME]",
    .about =
        "Tell what the sandboxes of a server use: percent of one core since the last reading,\n"
        "memory of their processes, and bytes of the files they have written.",
    .epilogue =
        "Examples:\n"
        "  msb metrics\n"
        "  msb metrics work --watch\n"
        "  msb metrics --watch --json | jq -c '.[] | [.name, .memory_mib]'",
};

constexpr std::chrono::milliseconds kInterval{2'000};

struct Request {
  std::optional<std::string> name;  // nothing: all
  bool watch = false;
  bool json = false;
  std::chrono::milliseconds interval = kInterval;
};

Result<std::vector<Metrics>> read(const SandboxOptions& where, const Request& request) {
  std::vector<Metrics> readings = TRY(read_sandboxes(where));
  if (request.name) {
    std::erase_if(readings, [&](const Metrics& reading) { return reading.name != *request.name; });
    if (readings.empty()) {
      return std::unexpected(unknown_sandbox(*request.name, where));
    }
  }
  return readings;
}

// On a terminal each reading takes the place of the one before.
void show(const std::vector<Metrics>& readings, const SandboxOptions& where,
          const Request& request) {
  std::string text = request.json
                         ? json_of(readings, request.watch ? JsonForm::kOneLine : JsonForm::kLines)
                         : table_of(readings, where, Columns::kUsage);
  if (request.watch && !request.json) {
    text = ::isatty(STDOUT_FILENO) == 1 ? "\033[H\033[J" + text : text + "\n";
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

Result<int> sandbox_metrics(Context context, std::vector<std::string> words) {
  ConnectionFlags connection;
  Request request;
  std::string interval_text;
  Arguments arguments(context, kHelp);
  arguments.flag("--watch", "Go on until ^C", request.watch);
  arguments.value("--interval", "TIME", "With --watch: time between two readings (2s)",
                  timeout_into(request.interval, interval_text));
  arguments.flag("--json", "Print an array of objects; with --watch, one on each line",
                 request.json);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOneOrAll);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->size() > 1) {
    return std::unexpected(usage_error(kHelp.verb, "unexpected '" + operands->back() + "'"));
  }
  if (!operands->empty()) {
    request.name = operands->front();
  }
  const SandboxOptions where = TRY(connect(context, connection));
  while (true) {
    const auto readings = read(where, request);
    if (!readings) {
      return say_remote_error(kHelp.verb, readings.error(), where);
    }
    show(*readings, where, request);
    if (!request.watch || std::ferror(stdout) != 0) {
      return 0;
    }
    std::this_thread::sleep_for(request.interval);
  }
}

}  // namespace msb::cli
