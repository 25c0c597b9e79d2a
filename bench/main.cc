// SPDX-License-Identifier: Apache-2.0
//
// How long things take, beside others that do the same work, in one run.
//
//   msb-bench [ROUNDS]      default 50
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "base/parse.h"
#include "base/try.h"
#include "bench/measure.h"
#include "bench/peers.h"
#include "msb/msb.h"

namespace msb::bench {
namespace {

constexpr const char* kHello = "print('hi')";
const std::vector<std::string> kHostPython = {"/usr/bin/python3", "-c", kHello};

void describe_host() {
  utsname host{};
  ::uname(&host);
  const std::time_t now = std::time(nullptr);
  char date[32] = {};
  std::tm broken_down{};
  std::strftime(date, sizeof date, "%Y-%m-%d", ::gmtime_r(&now, &broken_down));
  std::printf("%s, %ld cores, Linux %s, microsandbox %s\n", date, ::sysconf(_SC_NPROCESSORS_ONLN),
              host.release, std::string(version()).c_str());
}

Result<> expect_hi(PythonSandbox& sandbox) {
  const auto run = TRY(sandbox.code().run(kHello));
  if (run.output() != "hi") {
    return fail(ErrorCode::kInternal, "unexpected output: " + run.output() + run.error());
  }
  return {};
}

Result<> first_result(int rounds) {
  std::vector<Contender> contenders = {program("python3 -c on the bare host", kHostPython)};
  for (Contender& peer : bubblewrap(kHostPython)) {
    contenders.push_back(std::move(peer));
  }
  contenders.push_back({"microsandbox, start to first result", []() {
                          PythonSandbox sandbox;
                          const auto took = timed([&]() -> Result<> {
                            TRY(sandbox.start());
                            return expect_hi(sandbox);
                          });
                          return took;
                        }});
  contenders.push_back({"microsandbox, start to result to stopped", []() {
                          return timed([&]() -> Result<> {
                            PythonSandbox sandbox;
                            TRY(sandbox.start());
                            TRY(expect_hi(sandbox));
                            return sandbox.stop();
                          });
                        }});
  contenders.push_back({"microsandbox, stop alone", []() -> Result<std::chrono::nanoseconds> {
                          PythonSandbox sandbox;
                          TRY(sandbox.start());
                          TRY(expect_hi(sandbox));
                          return timed([&] { return sandbox.stop(); });
                        }});
  print_table("start -> print('hi'), image cached, nothing pooled",
              TRY(compare(contenders, rounds)));
  return {};
}

Result<> in_a_running_one(int rounds) {
  PythonSandbox sandbox;
  TRY(sandbox.start());
  TRY(expect_hi(sandbox));
  const std::vector<Contender> contenders = {
      program("fork and exec of /bin/true on the host", {"/bin/true"}),
      {"command().run(\"true\")",
       [&] {
         return timed([&]() -> Result<> {
           TRY(sandbox.command().run("true"));
           return {};
         });
       }},
      {"code().run(\"1\")",
       [&] {
         return timed([&]() -> Result<> {
           TRY(sandbox.code().run("1"));
           return {};
         });
       }},
      {"metrics().all()", [&] {
         return timed([&]() -> Result<> {
           TRY(sandbox.metrics().all());
           return {};
         });
       }}};
  print_table("in a running sandbox", TRY(compare(contenders, rounds)));

  constexpr int kMib = 256;
  std::size_t received = 0;
  CommandOptions options;
  options.on_output = [&](Stream, std::string_view bytes) { received += bytes.size(); };
  const auto pour = [&]() -> Result<> {
    TRY(sandbox.command().run("head", {"-c", std::to_string(kMib) + "M", "/dev/zero"}, options));
    return {};
  };
  const auto took = TRY(timed(pour));
  const double seconds = std::chrono::duration<double>(took).count();
  std::printf("\noutput of a command: %.0f MiB/s (%zu MiB)\n",
              static_cast<double>(received) / seconds / (1 << 20), received >> 20);
  return {};
}

Result<> throughput(int rounds) {
  const auto work = [&]() -> Result<> {
    for (int i = 0; i < rounds; ++i) {
      PythonSandbox sandbox;
      TRY(sandbox.start());
      TRY(expect_hi(sandbox));
      TRY(sandbox.stop());
    }
    return {};
  };
  const auto took = TRY(timed(work));
  std::printf("create, run, destroy, one after the other: %.1f per second\n",
              rounds / std::chrono::duration<double>(took).count());
  return {};
}

Result<> run_all(int rounds) {
  describe_host();
  TRY(first_result(rounds));
  TRY(in_a_running_one(rounds * 4));
  return throughput(rounds);
}

}  // namespace
}  // namespace msb::bench

int main(int argc, char** argv) {
  const auto rounds = msb::base::parse_number<int>(argc > 1 ? argv[1] : "50");
  if (!rounds || *rounds < 1) {
    std::fprintf(stderr, "usage: msb-bench [ROUNDS]\n");
    return 2;
  }
  if (const auto done = msb::bench::run_all(*rounds); !done) {
    std::fprintf(stderr, "msb-bench: %s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
