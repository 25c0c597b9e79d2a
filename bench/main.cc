// SPDX-License-Identifier: Apache-2.0
//
// How long things take, beside others that do the same work, in one run.
//
//   msb-bench [--rounds N] [--alive N] [--only PART[,PART]] [--output FOLDER]
//
// Tables go to stdout; with --output also results.md, results.json and results.svg into FOLDER.
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/parse.h"
#include "base/try.h"
#include "bench/budgets.h"
#include "bench/contest.h"
#include "bench/machine.h"
#include "bench/parts/parts.h"
#include "bench/render/grid.h"
#include "bench/render/json.h"
#include "bench/render/plot.h"

namespace msb::bench {
namespace {

struct NamedPart {
  std::string_view name;
  Part* run;
};
constexpr std::array kParts = {
    NamedPart{"first", first_result},    NamedPart{"running", running_one},
    NamedPart{"alone", alone},           NamedPart{"throughput", throughput},
    NamedPart{"together", together},     NamedPart{"bulk", bulk_output},
    NamedPart{"neighbours", neighbours}, NamedPart{"memory", idle_memory},
    NamedPart{"tiers", tiers},           NamedPart{"growth", growth},
};

struct Options {
  int rounds = 50;
  int most_alive = 1000;
  std::string only;    // ",first,bulk,"; empty: all
  std::string output;  // empty: nowhere
};

int usage() {
  std::string names;
  for (const NamedPart& part : kParts) {
    names += " " + std::string(part.name);
  }
  std::fprintf(stderr,
               "usage: msb-bench [--rounds N] [--alive N] [--only PART[,PART]] [--output FOLDER]\n"
               "parts:%s\n",
               names.c_str());
  return 2;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    const int count = base::parse_number<int>(value).value_or(0);
    if (name == "--rounds" && count > 0) {
      options.rounds = count;
    } else if (name == "--alive" && count > 0) {
      options.most_alive = count;
    } else if (name == "--only" && !value.empty()) {
      options.only = "," + std::string(value) + ",";
    } else if (name == "--output" && !value.empty()) {
      options.output = value;
    } else {
      return false;
    }
  }
  return true;
}

Result<> write_down(const Report& report, const std::string& folder) {
  TRY(base::make_folders(folder));
  TRY(base::write_file_atomic(folder + "/results.md", markdown(report)));
  TRY(base::write_file_atomic(folder + "/results.json", json(report)));
  TRY(base::write_file_atomic(folder + "/results.svg",
                              plot_svg(report, {"start", "exec", "code", "together_each"})));
  std::fprintf(stderr, "written: %s/results.{md,json,svg}\n", folder.c_str());
  return {};
}

Result<> run(const Options& options) {
  const Machine machine;
  end_in_order_on_signals();
  Report report;
  {
    const Field field = TRY(make_field(options.rounds, options.most_alive));
    if (!field.peers_note.empty()) {
      std::fprintf(stderr, "no peers: %s\n", field.peers_note.c_str());
    }
    for (const NamedPart& part : kParts) {
      const std::string word = "," + std::string(part.name) + ",";
      if (options.only.empty() || options.only.contains(word)) {
        TRY(part.run(field, report));
      }
    }
  }
  report.machine = machine.facts();
  report.verdicts = judge(report);
  std::fputs(plain_text(report).c_str(), stdout);
  return options.output.empty() ? Result<>{} : write_down(report, options.output);
}

}  // namespace
}  // namespace msb::bench

int main(int argc, char** argv) {
  msb::bench::Options options;
  if (!msb::bench::parse(argc, argv, options)) {
    return msb::bench::usage();
  }
  if (const auto done = msb::bench::run(options); !done) {
    std::fprintf(stderr, "msb-bench: %s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
