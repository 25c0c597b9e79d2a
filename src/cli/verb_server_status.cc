// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <utility>

#include "base/locations.h"
#include "base/server_record.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/json_text.h"
#include "cli/readings.h"
#include "cli/verb_server_parts.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "server status",
    .usage = "[OPTIONS]",
    .about =
        "Tell whether the server of this home runs, and where it can be reached, and what runs\n"
        "in it.",
    .epilogue =
        "Examples:\n"
        "  msb server status\n"
        "  msb server status --json | jq -r .url\n"
        "\n"
        "Exit status: 0 if it runs, 3 if it does not, 125 if msb itself failed.",
};

constexpr int kNotRunning = 3;  // as init scripts say it

// "4s", "12m 7s", "3h 20m", "12d 4h".
std::string duration_text(std::int64_t seconds) {
  struct Unit {
    std::int64_t seconds;
    char letter;
  };
  std::string text;
  int parts = 0;
  for (const Unit unit : {Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'}, Unit{1, 's'}}) {
    const std::int64_t count = seconds / unit.seconds;
    if (parts == 2 || (count == 0 && parts == 0 && unit.seconds > 1)) {
      continue;
    }
    ++parts;
    seconds %= unit.seconds;
    text.append(text.empty() ? "" : " ").append(std::to_string(count)) += unit.letter;
  }
  return text;
}

std::int64_t uptime_s(const base::FoundServer& server) {
  return std::max<std::int64_t>(0, ::time(nullptr) - server.record.started_at);
}

// What it says of its sandboxes, or why it does not.
struct Answer {
  std::string error;  // empty: it has answered
  std::size_t running = 0;
  std::size_t defined = 0;
};

Result<Answer> ask(const Context& context, const base::ServerRecord& server) {
  Answer answer;
  const auto readings = read_sandboxes(TRY(connect_to(context, server, "*")));
  if (!readings) {
    answer.error = readings.error().message();
    return answer;
  }
  answer.defined = readings->size();
  answer.running =
      static_cast<std::size_t>(std::ranges::count(*readings, true, &Metrics::is_running));
  return answer;
}

std::string text_of(const base::FoundServer& server, const std::optional<Answer>& answer) {
  const base::ServerRecord& record = server.record;
  std::string text;
  const auto add = [&text](std::string_view name, const std::string& value) {
    constexpr std::size_t kColumn = 11;
    text.append(name).append(kColumn - name.size(), ' ').append(value).append("\n");
  };
  if (record.url.empty()) {
    return "starting, pid " + std::to_string(server.pid) + "\n";
  }
  add(record.is_ending ? "ending" : "running", record.url);
  add("pid", std::to_string(server.pid));
  add("version", record.version);
  add("uptime", duration_text(uptime_s(server)));
  add("keys", record.needs_key ? "required" : "none (development mode)");
  if (!record.log_file.empty()) {
    add("log", record.log_file);
  }
  if (answer && answer->error.empty()) {
    add("sandboxes", std::to_string(answer->running) + " running, " +
                         std::to_string(answer->defined) + " defined");
  } else if (answer) {
    add("sandboxes", "unknown: " + answer->error);
  }
  return text;
}

std::string json_of(const base::FoundServer& server, const std::optional<Answer>& answer) {
  const base::ServerRecord& record = server.record;
  const auto or_null = [](const std::string& text) {
    return text.empty() ? std::string("null") : json_string(text);
  };
  const std::string_view state = record.url.empty() ? "starting"
                                 : record.is_ending ? "ending"
                                                    : "serving";
  std::string json = "{\"running\": true, \"state\": " + json_string(state);
  json += ", \"pid\": " + std::to_string(server.pid);
  json += ", \"url\": " + or_null(record.url) + ", \"version\": " + or_null(record.version);
  json += ", \"uptime_s\": " + (record.url.empty() ? "null" : std::to_string(uptime_s(server)));
  json += std::string(", \"needs_key\": ") + (record.needs_key ? "true" : "false");
  json += ", \"log\": " + or_null(record.log_file) + ", \"sandboxes\": ";
  if (answer && answer->error.empty()) {
    json += "{\"running\": " + std::to_string(answer->running) +
            ", \"defined\": " + std::to_string(answer->defined) + "}}\n";
  } else {
    json += "null}\n";
  }
  return json;
}

}  // namespace

Result<int> server_status(Context context, std::vector<std::string> words) {
  bool as_json = false;
  Arguments arguments(context, kHelp);
  arguments.flag("--json", "Print an object", as_json);
  if (!TRY(parse_without_operands(arguments, kHelp, std::move(words)))) {
    return 0;
  }
  const std::string home = TRY(base::home_folder(context.home));
  const auto found = TRY(base::find_server(home, base::Starting::kShow));
  const bool runs = found && found->pid != 0;
  std::string text = as_json ? "{\"running\": false}\n" : "server is not running\n";
  if (runs) {
    std::optional<Answer> answer;
    if (!found->record.url.empty() && !found->record.is_ending) {
      answer = TRY(ask(context, found->record));
    }
    text = as_json ? json_of(*found, answer) : text_of(*found, answer);
  }
  std::fwrite(text.data(), 1, text.size(), stdout);
  return runs ? 0 : kNotRunning;
}

}  // namespace msb::cli
