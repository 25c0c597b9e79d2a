// SPDX-License-Identifier: Apache-2.0
//
// msb bench: what sandboxes cost on this host, beside what it needs for the same without one. The
// rows take turns, so that a slow moment of the machine slows all of them.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "base/parse.h"
#include "base/percentile.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/json_text.h"
#include "cli/table.h"
#include "cli/verb.h"
#include "msb/msb.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "bench",
    .usage = "[OPTIONS]",
    .about =
        "Measure what sandboxes cost on this host: a start, a run, a command, a stop, beside a\n"
        "process and a Python without a sandbox. It takes some seconds, and tells the truth only\n"
        "when the host has nothing else to do.",
    .epilogue =
        "Examples:\n"
        "  msb bench\n"
        "  msb bench --rounds 1000 --json | jq '.rows[] | [.name, .p50_ms]'",
};

constexpr int kRounds = 300;
constexpr int kMaxRounds = 100'000;
constexpr const char* kHostPython = "/usr/bin/python3";
constexpr const char* kHello = "print('hi')";

struct Row {
  std::string name;
  std::vector<double> took_ms = {};  // ascending, once all are there
};

// The time that `work` takes goes to `row`.
template <typename Work>
Result<> add(Row& row, Work work) {
  const auto begin = std::chrono::steady_clock::now();
  TRY(work());
  const auto took = std::chrono::steady_clock::now() - begin;
  row.took_ms.push_back(std::chrono::duration<double, std::milli>(took).count());
  return {};
}

Result<base::ExitStatus> on_the_host(const std::vector<std::string>& argv) {
  base::ChildSpec spec;
  spec.path = argv.front();
  spec.argv = argv;
  base::ChildProcess child = TRY(base::ChildProcess::spawn(spec));
  const base::ExitStatus status = TRY(child.wait());
  if (!status.success()) {
    return fail(ErrorCode::kUnavailable, argv.front() + ": " + status.text());
  }
  return status;
}

Result<> say_hi(PythonSandbox& sandbox) {
  TRY(sandbox.start());
  const CodeExecution run = TRY(sandbox.code().run(kHello));
  if (run.output() != "hi") {
    return fail(ErrorCode::kInternal, "unexpected output: " + run.output() + run.error());
  }
  return {};
}

// What is measured. Each round calls measure() once.
class Bench {
 public:
  explicit Bench(const SandboxOptions& where) : where_(where), standing_(where) {}

  Result<> start() { return say_hi(standing_); }

  Result<> measure() {
    TRY(add(host_true_, [] { return on_the_host({"/bin/true"}); }));
    if (has_host_python_) {
      TRY(add(host_python_, [] { return on_the_host({kHostPython, "-c", kHello}); }));
    }
    PythonSandbox fresh(where_);
    TRY(add(start_, [&] { return say_hi(fresh); }));
    TRY(add(stop_, [&] { return fresh.stop(); }));
    TRY(add(code_, [&] { return standing_.code().run("1"); }));
    TRY(add(command_, [&] { return standing_.command().run("true"); }));
    TRY(add(metrics_, [&] { return standing_.metrics().all(); }));
    return {};
  }

  // Those that were measured, with nothing of what came before.
  std::vector<Row*> rows() {
    std::vector<Row*> all = {&host_true_, &host_python_, &start_,  &stop_,
                             &code_,      &command_,     &metrics_};
    std::erase_if(all, [](const Row* row) { return row->took_ms.empty(); });
    return all;
  }

 private:
  SandboxOptions where_;
  PythonSandbox standing_;  // what runs go to
  bool has_host_python_ = ::access(kHostPython, X_OK) == 0;
  Row host_true_{"the host: fork and exec of /bin/true"};
  Row host_python_{"the host: python3 -c \"print('hi')\""};
  Row start_{"start -> print('hi') has answered"};
  Row stop_{"stop"};
  Row code_{"code().run(\"1\")"};
  Row command_{"command().run(\"true\")"};
  Row metrics_{"metrics().all()"};
};

std::string ms_text(double ms) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*f", ms < 10 ? 3 : 1, ms);
  return text.data();
}

constexpr std::array kShares = {std::pair{"p50", 0.5}, std::pair{"p90", 0.9},
                                std::pair{"p99", 0.99}};

void print_table(const std::vector<Row*>& rows) {
  std::vector<std::string> heads = {"MS"};
  for (const auto& [name, share] : kShares) {
    heads.emplace_back(name);
  }
  Table table(heads);
  for (const Row* row : rows) {
    std::vector<std::string> cells = {row->name};
    for (const auto& [name, share] : kShares) {
      cells.push_back(ms_text(base::percentile(row->took_ms, share)));
    }
    table.add(std::move(cells));
  }
  std::fputs(table.text().c_str(), stdout);
}

void print_json(const std::vector<Row*>& rows, int rounds) {
  std::string text = "{\"version\": " + json_string(msb::version()) +
                     ", \"rounds\": " + std::to_string(rounds) + ", \"rows\": [";
  const char* separator = "\n";
  for (const Row* row : rows) {
    text += std::exchange(separator, ",\n");
    text += " {\"name\": " + json_string(row->name);
    for (const auto& [name, share] : kShares) {
      text +=
          ", \"" + std::string(name) + "_ms\": " + ms_text(base::percentile(row->took_ms, share));
    }
    text += "}";
  }
  std::fputs((text + "\n]}\n").c_str(), stdout);
}

}  // namespace

Result<int> bench(Context context, std::vector<std::string> words) {
  int rounds = kRounds;
  bool as_json = false;
  Arguments arguments(context, kHelp);
  arguments.value("--rounds", "N", "How often each is measured (300)",
                  [&](std::string_view text) -> Result<> {
                    const auto count = base::parse_number<int>(text);
                    if (!count || *count < 1 || *count > kMaxRounds) {
                      return fail(ErrorCode::kInvalidArgument,
                                  "'" + std::string(text) + "' is not a number of 1 .. 100000");
                    }
                    rounds = *count;
                    return {};
                  });
  arguments.flag("--json", "Print an object with the rows, times in milliseconds", as_json);
  if (!TRY(parse_without_operands(arguments, kHelp, std::move(words)))) {
    return 0;
  }
  EngineOptions options;
  options.home = context.home;
  SandboxOptions where;
  where.engine = TRY(Engine::create(options));
  Bench field(where);
  TRY(field.start());
  TRY(field.measure());  // to warm up
  for (Row* row : field.rows()) {
    row->took_ms.clear();
  }
  for (int round = 0; round < rounds; ++round) {
    TRY(field.measure());
  }
  const std::vector<Row*> rows = field.rows();
  for (Row* row : rows) {
    std::ranges::sort(row->took_ms);
  }
  as_json ? print_json(rows, rounds) : print_table(rows);
  return 0;
}

}  // namespace msb::cli
