// SPDX-License-Identifier: Apache-2.0
//
// Resources of the host that come to their end while sandboxes are in use.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <set>
#include <sstream>
#include <system_error>

#include "base/child_process.h"
#include "base/file.h"
#include "base/sys.h"
#include "phase.h"

namespace msb::soak {
namespace {

namespace fs = std::filesystem;

constexpr int kTries = 12;
constexpr const char* kPidsHierarchy = "/sys/fs/cgroup/pids";

rlimit descriptor_limit(pid_t pid) {
  rlimit limit{};
  ::prlimit(pid, RLIMIT_NOFILE, nullptr, &limit);
  return limit;
}

// The limit that leaves so many free.
rlim_t limit_with(std::size_t free, pid_t pid) {
  std::set<unsigned long> used;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    used.insert(std::stoul(entry.path().filename()));
  }
  rlim_t limit = 0;
  for (std::size_t found = 0; found < free || used.contains(limit); ++limit) {
    found += used.contains(limit) ? 0u : 1u;
  }
  return limit;
}

// A sandbox that lived before the fault must live through it.
class Survivor {
 public:
  Survivor(const SandboxOptions& where, Tally& tally, Watchdog& watchdog)
      : sandbox_(where), tally_(tally), watchdog_(watchdog) {
    const auto started = watchdog_.watch("start", [&] { return sandbox_.start(); });
    if (!started) {
      tally_.unexpected("survivor: " + started.error().message());
    } else {
      tally_.started();
      (void)sandbox_.code().run("x = 41");
    }
  }

  void must_answer(const char* when) {
    const auto run = watchdog_.watch("code().run", [&] { return sandbox_.code().run("x + 1"); });
    tally_.ran();
    if (!run || run->output() != "42") {
      tally_.unexpected(std::string("a sandbox that ran before, ") + when + ": " +
                        (run ? run->output() + run->error() : run.error().message()));
    }
  }

  PythonSandbox& sandbox() { return sandbox_; }

 private:
  PythonSandbox sandbox_;
  Tally& tally_;
  Watchdog& watchdog_;
};

// The fault has shown, and is over: a sandbox must work again.
void must_work_again(const LoadOptions& options, Tally& tally, Watchdog& watchdog) {
  if (tally.errors() == 0) {
    tally.unexpected("the fault was not felt by anybody");
  }
  // In each engine, also one that is kept and removed.
  for (std::size_t place = 0; place < options.where.size(); ++place) {
    for (const unsigned number : {0u, 1u}) {
      if (!use_one(options, place, number, tally, watchdog)) {
        tally.unexpected("no sandbox after the fault was over");
      }
    }
  }
}

}  // namespace

void Soak::fill_disk() {
  Phase phase(*this, "disk full beneath $MSB_HOME", {home_.path() + " is full"});
  const LoadOptions options = load();
  {
    Survivor survivor(options.where[0], phase.tally, watchdog_);
    if (const auto filled = home_.fill(); !filled) {
      phase.tally.unexpected(filled.error().message());
    }
    std::atomic<int> tries = 0;
    run_load(options, phase.tally, watchdog_, [&] { return ++tries > 4 * kTries; });
    survivor.must_answer("while the disk was full");
    home_.drain();
    survivor.must_answer("when there was room again");
  }
  must_work_again(options, phase.tally, watchdog_);
  phase.end();
}

void Soak::exhaust_descriptors() {
  Phase phase(*this, "descriptors of the program used up", {"RLIMIT_NOFILE"});
  const LoadOptions options = load();
  {
    Survivor survivor(options.where[0], phase.tally, watchdog_);
    const rlimit before = descriptor_limit(0);
    for (int i = 0; i < kTries; ++i) {
      const rlimit few{limit_with(2 * static_cast<std::size_t>(i), ::getpid()), before.rlim_max};
      ::setrlimit(RLIMIT_NOFILE, &few);
      std::atomic<int> tries = 0;
      run_load(options, phase.tally, watchdog_, [&] { return ++tries > 2 * options.threads; });
      survivor.must_answer("while there were no descriptors");
      ::setrlimit(RLIMIT_NOFILE, &before);
    }
    survivor.must_answer("when there were descriptors again");
  }
  must_work_again(options, phase.tally, watchdog_);
  phase.end();
}

void Soak::exhaust_descriptors_of_warden() {
  Phase phase(*this, "descriptors of the warden used up", {"RLIMIT_NOFILE"});
  const LoadOptions options = load();
  {
    Survivor survivor(options.where[0], phase.tally, watchdog_);
    const std::vector<pid_t> wardens = find_targets(::getpid(), Target::kWarden);
    for (int i = 0; i < kTries; ++i) {
      for (const pid_t warden : wardens) {
        const rlimit few{limit_with(static_cast<std::size_t>(i), warden),
                         descriptor_limit(warden).rlim_max};
        ::prlimit(warden, RLIMIT_NOFILE, &few, nullptr);
      }
      std::atomic<int> tries = 0;
      run_load(options, phase.tally, watchdog_, [&] { return ++tries > 2 * options.threads; });
      survivor.must_answer("while the warden had no descriptors");
    }
    for (const pid_t warden : wardens) {
      const rlimit all{descriptor_limit(warden).rlim_max, descriptor_limit(warden).rlim_max};
      ::prlimit(warden, RLIMIT_NOFILE, &all, nullptr);
    }
    survivor.must_answer("when the warden had descriptors again");
  }
  must_work_again(options, phase.tally, watchdog_);
  phase.end();
}

void Soak::exhaust_processes() {
  Phase phase(*this, "processes used up", {"no more processes and threads"});
  const std::string group = std::string(kPidsHierarchy) + "/soak-" + std::to_string(::getpid());
  if (::mkdir(group.c_str(), 0755) < 0) {
    return phase.skip("no pids cgroup of version 1 to limit a program with");
  }
  // From too few for an engine to enough for everything.
  for (int limit = 1; limit <= 2 * kTries; limit += 2) {
    const auto control = base::sys::open(group + "/pids.max", O_WRONLY);
    if (!control || !base::write_all(control->get(), std::to_string(limit))) {
      break;
    }
    auto pipe = base::sys::pipe();
    auto program = base::ChildProcess::spawn({.path = self_,
                                              .argv = {"msb-soak", "limited", home_.path(), group},
                                              .env = {},
                                              .fds = {{pipe->write_end.get(), 1}}});
    if (!program) {
      phase.tally.unexpected(program.error().message());
      break;
    }
    pipe->write_end.reset();
    const auto output = watchdog_.watch(
        "a program that may have " + std::to_string(limit) + " processes and threads",
        [&] { return base::read_all(pipe->read_end.get(), 1 << 20); });
    std::istringstream lines(output.value_or(""));
    for (std::string line; std::getline(lines, line);) {
      if (line == ".") {
        phase.tally.started();
        phase.tally.ran();
        phase.tally.ran();
      } else {
        phase.tally.failed("with " + std::to_string(limit) + " processes",
                           Error(ErrorCode::kResourceExhausted, line));
      }
    }
    const auto status = program->wait();
    if (!status || !status->success()) {
      phase.tally.unexpected("with " + std::to_string(limit) +
                             " processes, the program ended with " +
                             (status ? status->text() : status.error().message()));
    }
  }
  start_afresh(phase.tally);
  remove_kept();
  for (int attempt = 0; attempt < 100 && ::rmdir(group.c_str()) < 0 && errno == EBUSY; ++attempt) {
    ::usleep(10'000);
  }
  must_work_again(load(), phase.tally, watchdog_);
  phase.end();
}

}  // namespace msb::soak
