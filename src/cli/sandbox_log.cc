// SPDX-License-Identifier: Apache-2.0
#include "cli/sandbox_log.h"

#include <chrono>
#include <cstdio>
#include <thread>
#include <utility>
#include <vector>

#include "base/parse.h"
#include "base/try.h"
#include "cli/connection.h"
#include "cli/report.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

// As much as a server gives at once.
constexpr std::size_t kMaxLogBytes = std::size_t{1} << 20;
// The protocol has no event for it.
constexpr std::chrono::milliseconds kInterval{500};

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

// The longest end of `before` that `now` begins with (Knuth, Morris, Pratt): a log that repeats
// itself is long, and told every half second.
std::string_view added(std::string_view before, std::string_view now) {
  if (now.starts_with(before)) {
    return now.substr(before.size());
  }
  if (before.size() > now.size()) {
    before.remove_prefix(before.size() - now.size());
  }
  std::vector<std::size_t> border(now.size(), 0);
  for (std::size_t i = 1, length = 0; i < now.size(); ++i) {
    while (length > 0 && now[i] != now[length]) {
      length = border[length - 1];
    }
    length += now[i] == now[length] ? 1 : 0;
    border[i] = length;
  }
  std::size_t matched = 0;
  for (const char c : before) {
    while (matched > 0 && (matched == now.size() || c != now[matched])) {
      matched = border[matched - 1];
    }
    matched += matched < now.size() && c == now[matched] ? 1 : 0;
  }
  return now.substr(matched);
}

std::string_view last_lines(std::string_view text, std::uint32_t count) {
  // A last line that has not ended is a line.
  std::size_t begin = text.ends_with('\n') ? text.size() - 1 : text.size();
  for (std::uint32_t line = 0; line < count; ++line) {
    begin = begin == 0 ? std::string_view::npos : text.rfind('\n', begin - 1);
    if (begin == std::string_view::npos) {
      return text;
    }
  }
  return count == 0 ? std::string_view() : text.substr(begin + 1);
}

Arguments::ValueParser lines_into(std::optional<std::uint32_t>& into) {
  return [&into](std::string_view text) -> Result<> {
    into = base::parse_number<std::uint32_t>(text);
    if (!into) {
      return fail(ErrorCode::kInvalidArgument,
                  "'" + std::string(text) + "' is not a number of lines");
    }
    return {};
  };
}

Result<int> print_log(std::string_view verb, const SandboxOptions& where,
                      const LogRequest& request) {
  Sandbox sandbox(where);
  if (const auto joined = sandbox.attach(); !joined) {
    return say_remote_error(verb, joined.error(), where);
  }
  auto log = sandbox.log(kMaxLogBytes);
  if (!log) {
    return say_remote_error(verb, log.error(), where);
  }
  print(request.last_lines ? last_lines(*log, *request.last_lines) : *log);
  while (request.follow && std::ferror(stdout) == 0) {
    std::this_thread::sleep_for(kInterval);
    auto now = sandbox.log(kMaxLogBytes);
    if (!now) {
      return now.error().is(ErrorCode::kSandboxNotStarted)
                 ? 0
                 : say_remote_error(verb, now.error(), where);
    }
    print(added(*log, *now));
    log = std::move(now);
  }
  return 0;
}

}  // namespace msb::cli
