// SPDX-License-Identifier: Apache-2.0
//
// Makes, uses and destroys sandboxes from many threads while things go wrong, one fault after the
// other, and prints what came of each. docs/soak.md tells more.
//
//   msb-soak SERVER [SANDBOXES [KILLS [JSON_FILE]]]
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "soak.h"

namespace msb::soak {
namespace {

constexpr int kSkipped = 77;
// A stopped agent is given up after a minute.
constexpr std::chrono::seconds kPatience{90};

Target target_of(std::string_view name) {
  if (name == "agent") {
    return Target::kAgent;
  }
  return name == "repl" ? Target::kRepl : Target::kWarden;
}

// Puts itself into the cgroup, then makes two sandboxes one after the other.
int run_limited(const std::string& home, const std::string& group) {
  const auto procs = base::sys::open(group + "/cgroup.procs", O_WRONLY);
  if (!procs || !base::write_all(procs->get(), "0")) {
    std::puts("! cannot enter the cgroup");
    return 0;
  }
  const int status = run_victim(home, 1, 2);
  // Out of it again: a leak checker needs a thread of its own.
  if (const auto outside = base::sys::open(group + "/../cgroup.procs", O_WRONLY)) {
    [[maybe_unused]] const auto left = base::write_all(outside->get(), "0");
  }
  return status;
}

int report(const std::vector<Row>& rows, const std::string& json_file) {
  std::fputs(markdown(rows).c_str(), stdout);
  if (!json_file.empty()) {
    std::ofstream(json_file) << json(rows);
  }
  bool good = true;
  for (const Row& row : rows) {
    good = good && is_good(row);
  }
  return good ? 0 : 1;
}

int run_soak(const std::string& server, std::int64_t sandboxes, int kills,
             const std::string& json_file) {
  const auto images = base::home_folder();
  const auto home = images ? SoakHome::create(*images) : std::unexpected(images.error());
  if (!home) {
    std::printf("skipped: %s\n", home.error().message().c_str());
    return kSkipped;
  }
  Soak* running = nullptr;
  Watchdog watchdog(kPatience, [&](const std::string& call) {
    std::fprintf(stderr, "soak: HANG in %s\n", call.c_str());
    std::vector<Row> rows = running == nullptr ? std::vector<Row>() : running->rows();
    Row row;
    row.fault = "hang in " + call;
    row.hangs = 1;
    rows.push_back(row);
    (void)report(rows, json_file);
    std::fflush(stdout);
    std::_Exit(1);
  });
  Soak soak(*home, std::string("/proc/self/exe"), server, watchdog);
  running = &soak;
  const auto part = [&](int percent_of_sandboxes, int percent_of_kills) {
    return Share{.sandboxes = sandboxes * percent_of_sandboxes / 100,
                 .kills = kills * percent_of_kills / 100};
  };
  soak.no_fault(part(20, 0));
  soak.kill_agents(part(20, 30));
  soak.kill_repls(part(20, 24));
  soak.kill_wardens(part(15, 16));
  soak.kill_engines(part(10, 15));
  soak.kill_servers(part(10, 12));
  soak.stop_agents(part(2, 3));
  soak.fill_disk();
  soak.exhaust_descriptors();
  soak.exhaust_descriptors_of_warden();
  soak.exhaust_processes();
  // The client tries again for some seconds each time.
  soak.cut_registry(sandboxes < 1000 ? std::vector<int>{2} : std::vector<int>{0, 1, 2});
  soak.no_fault(part(3, 0));
  return report(soak.rows(), json_file);
}

int run(std::span<char*> arguments) {
  const auto argument = [&arguments](std::size_t i, const char* otherwise) {
    return std::string(i < arguments.size() ? arguments[i] : otherwise);
  };
  const std::string first = argument(1, "");
  if (first == "killer" && arguments.size() == 7) {
    return run_killer(std::stoi(arguments[2]), target_of(arguments[3]), std::stoi(arguments[4]),
                      std::stoi(arguments[5]), static_cast<unsigned>(std::stoul(arguments[6])));
  }
  if (first == "victim" && arguments.size() == 5) {
    return run_victim(arguments[2], std::stoi(arguments[3]), std::stoi(arguments[4]));
  }
  if (first == "limited" && arguments.size() == 4) {
    return run_limited(arguments[2], arguments[3]);
  }
  if (first.empty()) {
    std::fputs("usage: msb-soak SERVER [SANDBOXES [KILLS [JSON_FILE]]]\n", stderr);
    return 2;
  }
  return run_soak(first, std::stoll(argument(2, "150")), std::stoi(argument(3, "20")),
                  argument(4, ""));
}

}  // namespace
}  // namespace msb::soak

int main(int argc, char** argv) {
  return msb::soak::run(std::span(argv, static_cast<std::size_t>(argc)));
}
