// SPDX-License-Identifier: Apache-2.0
//
// msb server: the server of this home, from its start to its end. What it is doing is read from
// $MSB_HOME/server.pid (base/server_record.h).
#include <poll.h>
#include <signal.h>

#include <array>
#include <chrono>
#include <utility>

#include "base/locations.h"
#include "base/parse.h"
#include "base/server_record.h"
#include "base/sys.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/report.h"
#include "cli/server_program.h"
#include "cli/verb.h"
#include "cli/verb_group.h"
#include "cli/verb_server_parts.h"

namespace msb::cli {
namespace {

Result<int> start_server(Context context, std::vector<std::string> words) {
  return become_server_program(std::move(context), "start", std::move(words));
}

Result<int> keygen(Context context, std::vector<std::string> words) {
  return become_server_program(std::move(context), "keygen", std::move(words));
}

constexpr VerbHelp kStopHelp{
    .verb = "server stop",
    .usage = "[OPTIONS]",
    .about =
        "Stop the server of this home and wait until it is gone, with all sandboxes that run in\n"
        "it. Running calls get their answers; what still runs after --timeout is ended.",
    .epilogue =
        "Examples:\n"
        "  msb server stop\n"
        "  msb server stop --timeout 0",
};

// The server's own patience with running calls is 30 s.
constexpr std::chrono::milliseconds kStopTime{40'000};
// After the second SIGTERM there is nothing left to wait for.
constexpr std::chrono::milliseconds kEndTime{5'000};

// Asks more and more firmly; returns when it is gone.
Result<> end(int pidfd, std::chrono::milliseconds patience) {
  TRY(base::sys::pidfd_send_signal(pidfd, SIGTERM));
  if (TRY(base::sys::poll_one(pidfd, POLLIN, patience))) {
    return {};
  }
  if (patience.count() > 0) {
    say(kStopHelp.verb, "it is still busy with calls; ending it now");
  }
  for (const int number : {SIGTERM, SIGKILL}) {
    TRY(base::sys::pidfd_send_signal(pidfd, number));
    if (TRY(base::sys::poll_one(pidfd, POLLIN, kEndTime))) {
      return {};
    }
  }
  return fail(ErrorCode::kTimeout, "the server does not end");
}

// What a dead server has left: the claim takes the file with it.
Result<> take_away_record(const std::string& home) {
  static_cast<void>(TRY(base::ServerClaim::take(home)));
  return {};
}

Result<int> stop_server(Context context, std::vector<std::string> words) {
  std::chrono::milliseconds patience = kStopTime;
  Arguments arguments(context, kStopHelp);
  arguments.value("--timeout", "TIME", "How long running calls may take to finish (40s)",
                  [&patience](std::string_view text) -> Result<> {
                    const auto duration = base::parse_duration(text);
                    if (!duration) {
                      return fail(ErrorCode::kInvalidArgument,
                                  "'" + std::string(text) + "' is not a time: give 500ms, 10s, 2m");
                    }
                    patience = *duration;
                    return {};
                  });
  if (!TRY(parse_without_operands(arguments, kStopHelp, std::move(words)))) {
    return 0;
  }
  const std::string home = TRY(base::home_folder(context.home));
  const auto found = TRY(base::find_server(home, base::Starting::kShow));
  if (!found) {
    return fail(ErrorCode::kNotFound, "server is not running (PID file not found)");
  }
  const auto gone = [&home]() -> Result<int> {
    TRY(take_away_record(home));
    return fail(ErrorCode::kNotFound, "server process not found (stale PID file removed)");
  };
  if (found->pid == 0) {
    return gone();
  }
  const auto pidfd = base::sys::pidfd_open(found->pid);
  // Only now is it sure whose number that is: the server's, if it still is the server's.
  const auto again = TRY(base::find_server(home, base::Starting::kShow));
  if (!pidfd || !again || again->pid != found->pid) {
    return gone();
  }
  TRY_WRAP(end(pidfd->get(), patience), "process " + std::to_string(found->pid));
  const auto left = base::find_server(home, base::Starting::kShow).value_or(std::nullopt);
  if (left && left->pid == 0) {  // it had no time to see to that
    TRY(take_away_record(home));
  }
  return 0;
}

constexpr std::array kVerbs = {
    Verb{"start", "Start the server, here or in the background", start_server},
    Verb{"stop", "Stop it, and all sandboxes that run in it", stop_server},
    Verb{"status", "Tell whether it runs, where, and what runs in it", server_status},
    Verb{"list", "List the sandboxes in it, running or not", server_list},
    Verb{"log", "Print the log of the server, or of a sandbox in it", server_log},
    Verb{"keygen", "Make an API key for it", keygen},
};

}  // namespace

Result<int> server(Context context, std::vector<std::string> words) {
  return run_group(
      {.name = "server",
       .about = "Serve the sandboxes of this host to other programs, and look after that server.",
       .examples = "  msb server start --detach\n"
                   "  export MSB_API_KEY=$(msb server keygen --quiet)\n"
                   "  msb server status\n",
       .verbs = kVerbs},
      std::move(context), std::move(words));
}

Result<int> mcp(Context context, std::vector<std::string> words) {
  return become_server_program(std::move(context), "mcp", std::move(words));
}

}  // namespace msb::cli
