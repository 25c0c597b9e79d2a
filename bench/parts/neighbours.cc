// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "base/try.h"
#include "bench/contest.h"
#include "bench/parts/parts.h"

namespace msb::bench {
namespace {

constexpr int kNeighbourRounds = 5;
constexpr int kNeighbourRunsFactor = 4;  // of the rounds, in each round

// Output without end, until this object goes.
class Pouring {
 public:
  explicit Pouring(PythonSandbox& sandbox)
      : thread_([&sandbox, this](const std::stop_token& stop) {
          CommandOptions options;
          options.stop = stop;
          options.on_output = [this](Stream, std::string_view) {
            flows_.test_and_set();
            flows_.notify_all();
          };
          (void)sandbox.command().run("cat", {"/dev/zero"}, options);
          flows_.test_and_set();  // nobody waits for what never began
          flows_.notify_all();
        }) {
    flows_.wait(false);
  }

 private:
  std::atomic_flag flows_;
  std::jthread thread_;
};

Result<> runs(PythonSandbox& sandbox, int count, std::vector<double>& took_ms) {
  for (int i = 0; i < count && !is_interrupted(); ++i) {
    took_ms.push_back(TRY(timed([&] { return sandbox.code().run("1"); })).front());
  }
  return {};
}

}  // namespace

Result<> neighbours(const Field& field, Report& report) {
  std::fprintf(stderr, "neighbours\n");
  Comparison all{"neighbour", "code().run(\"1\") beside bulk output", "ms", "", {}};
  for (const Door& door : field.doors) {
    if (!door.not_run.empty()) {
      continue;
    }
    PythonSandbox small(door.where);
    PythonSandbox large(door.where);
    TRY(say_hi(small));
    TRY(say_hi(large));
    std::vector<double> quiet;
    std::vector<double> beside;
    std::vector<double> within;
    const int count = field.rounds * kNeighbourRunsFactor;
    for (int round = 0; round < kNeighbourRounds; ++round) {
      TRY(runs(small, count, quiet));
      {
        const Pouring pouring(large);
        TRY(runs(small, count, beside));
      }
      const Pouring pouring(small);
      TRY(runs(small, count, within));
    }
    const auto add = [&](const char* id, const char* name, std::vector<double>& took_ms) {
      all.series.push_back({"neighbour." + door.id + "." + id, door.name + ", " + name,
                            Whose::kOurs, Samples(std::move(took_ms)), ""});
    };
    add("quiet", "quiet", quiet);
    add("beside", "another one pours", beside);
    add("within", "the same one pours", within);
  }
  report.comparisons.push_back(std::move(all));
  return {};
}

}  // namespace msb::bench
