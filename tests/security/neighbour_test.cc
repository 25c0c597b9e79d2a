// SPDX-License-Identifier: Apache-2.0
//
// A guest takes all it can get of one thing, beside a neighbour in the same engine. Asserted: the
// neighbour's answers are right, and the attacker is told its own reason. Printed: how long the
// neighbour's answers take before and during, which is a matter of the machine and of its load.
//
// $MSB_ATTACK_SECONDS: how long each attack lasts; 300 ms without it, since this is a test
// of the default run.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/parse.h"
#include "latency.h"
#include "msb/msb.h"
#include "promise.h"

namespace msb::security {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Attack {
  const char* program;
  const char* tries;
  const char* reason;  // part of the limits that were hit, or of what the program says
};

std::ostream& operator<<(std::ostream& out, const Attack& attack) {
  return out << attack.program;
}

constexpr Attack kAttacks[] = {
    {"attack_forks", "a fork bomb", "too many processes (limit 64)"},
    {"attack_memory", "memory, touched until the kernel kills", "out of memory (limit 128 MiB)"},
    {"attack_tmpfs", "files in /dev/shm", "No space left on device"},
    {"attack_shared_memory", "memfds and System V segments", "out of memory (limit 128 MiB)"},
    {"attack_page_cache", "a file larger than its memory, written, flushed and read",
     "MiB written"},
    {"attack_disk", "the writable layer, to its last block", "disk full (limit 256 MiB)"},
    {"attack_inodes", "empty files, until there are no numbers left", "No space left on device"},
    {"attack_descriptors", "open files, event counters, sockets", "Too many open files"},
    {"attack_pipes", "pipes and socket buffers, full and never read",
     "out of memory (limit 128 MiB)"},
    {"attack_cpu", "32 threads that spin", "threads"},
    {"attack_timers", "3,200 timers that expire as fast as they may", "armed"},
    {"attack_signals", "8 processes that send all signals there are", "storm over"},
    {"attack_long_line", "a line of 1 GB", "MiB of output"},
    {"attack_short_lines", "lines of two bytes, each written alone", "MiB of output"},
    {"attack_sync", "sync(), which flushes the host's file systems", "flushed"},
    {"attack_interrupts", "memory barriers and page tables changed on all processors", "over"},
};

std::chrono::milliseconds attack_time() {
  const char* text = std::getenv("MSB_ATTACK_SECONDS");
  const auto seconds = text == nullptr ? std::nullopt : base::parse_decimal(text);
  return seconds ? std::chrono::milliseconds(static_cast<int>(*seconds * 1000)) : 300ms;
}

StartConfig attackers_config() {
  StartConfig config;
  config.memory = 128;
  config.disk = 256;
  config.max_processes = 64;
  config.volumes = {std::string(MSB_ATTEMPTS) + ":/attempts:ro"};
  return config;
}

std::string pair_of(const Samples& samples) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f, %.2f", samples.percentile(0.5), samples.percentile(0.99));
  return text;
}

std::string ratio_of(const Samples& during, const Samples& quiet) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f",
                during.percentile(0.99) / std::max(quiet.percentile(0.99), 1e-6));
  return text;
}

// The limits that were hit, and what the program says; of much output, how much it was.
std::string outcome_of(const CommandExecution& ended) {
  constexpr std::size_t kMuch = 200;
  std::string text = ended.limits_hit().text;
  text += text.empty() ? "" : "; ";
  const std::string output = ended.output();
  if (output.size() < kMuch) {
    return text + output;
  }
  return text + std::to_string((output.size() + ended.dropped_bytes()) >> 20) + " MiB of output, " +
         std::to_string(output.size() >> 20) + " kept";
}

class Neighbours : public testing::TestWithParam<Attack> {
 protected:
  static void SetUpTestSuite() {
    neighbour_ = new PythonSandbox;
    const auto started = neighbour_->start();
    ASSERT_TRUE(started) << started.error().message();
    // What comes only once: the interpreter's first run, the pages of both programs.
    (void)measure(*neighbour_, [end = Clock::now() + 200ms] { return Clock::now() < end; });
    std::printf("%-22s %-24s %-24s %-24s %-24s %s\n", "p50, p99 in ms", "code quiet", "code during",
                "command quiet", "command during", "p99 ratio");
  }
  static void TearDownTestSuite() {
    delete neighbour_;
    neighbour_ = nullptr;
  }

  static PythonSandbox* neighbour_;
};

PythonSandbox* Neighbours::neighbour_ = nullptr;

TEST_P(Neighbours, AreNotHarmedBy) {
  const Attack& attack = GetParam();
  record({attack.program, "user", attack.tries, Promise::kLimits, attack.reason});
  PythonSandbox attacker;
  const auto started = attacker.start(attackers_config());
  ASSERT_TRUE(started) << started.error().message();
  const std::chrono::milliseconds duration = attack_time();
  const Latency quiet =
      measure(*neighbour_, [end = Clock::now() + duration] { return Clock::now() < end; });

  SpawnOptions options;
  options.stdin_open = false;
  options.command.timeout = duration + 30s;
  auto process = attacker.command().spawn(std::string("/attempts/") + attack.program,
                                          {std::to_string(duration.count())}, options);
  ASSERT_TRUE(process) << process.error().message();
  const Latency during =
      measure(*neighbour_, [end = Clock::now() + duration] { return Clock::now() < end; });
  const auto ended = process->wait();
  const std::string said = ended ? outcome_of(*ended) : ended.error().message();

  record_outcome(said);
  testing::Test::RecordProperty("code_quiet_p50_p99_ms", pair_of(quiet.code));
  testing::Test::RecordProperty("code_during_p50_p99_ms", pair_of(during.code));
  testing::Test::RecordProperty("command_quiet_p50_p99_ms", pair_of(quiet.command));
  testing::Test::RecordProperty("command_during_p50_p99_ms", pair_of(during.command));
  const std::string ratios =
      ratio_of(during.code, quiet.code) + ", " + ratio_of(during.command, quiet.command);
  testing::Test::RecordProperty("p99_ratio", ratios);
  std::printf("%-22s %-24s %-24s %-24s %-24s %s  (%zu, %zu)\n", attack.program,
              pair_of(quiet.code).c_str(), pair_of(during.code).c_str(),
              pair_of(quiet.command).c_str(), pair_of(during.command).c_str(), ratios.c_str(),
              quiet.code.size(), during.code.size());
  EXPECT_EQ(quiet.failure, "");
  EXPECT_EQ(during.failure, "");
  EXPECT_NE(said.find(attack.reason), std::string::npos) << said;
  EXPECT_TRUE(attacker.command().run("true")) << "the attacker's own agent did not survive";
  EXPECT_TRUE(attacker.stop());
}

INSTANTIATE_TEST_SUITE_P(Guest, Neighbours, testing::ValuesIn(kAttacks),
                         [](const auto& row) { return std::string(row.param.program); });

}  // namespace
}  // namespace msb::security
