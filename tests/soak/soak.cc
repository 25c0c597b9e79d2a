// SPDX-License-Identifier: Apache-2.0
#include "soak.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <thread>
#include <utility>

#include "base/bytes.h"
#include "base/file.h"
#include "base/sys.h"
#include "phase.h"

namespace msb::soak {

namespace fs = std::filesystem;

std::size_t open_descriptors() {
  std::error_code error;
  const fs::directory_iterator all("/proc/self/fd", error);
  return static_cast<std::size_t>(std::distance(fs::begin(all), fs::end(all)));
}

Soak::Soak(const SoakHome& home, std::string self, std::string server, Watchdog& watchdog)
    : home_(home), self_(std::move(self)), server_(std::move(server)), watchdog_(watchdog) {
  // Two engines on one home.
  for (int i = 0; i < 2; ++i) {
    EngineOptions options;
    options.home = home_.path();
    auto engine = Engine::create(options);
    if (!engine) {
      std::fprintf(stderr, "soak: %s\n", engine.error().message().c_str());
      std::exit(1);
    }
    engines_.push_back(*std::move(engine));
  }
  Tally tally("warm-up", {});
  for (unsigned number = 0; number < 4; ++number) {
    for (std::size_t place = 0; place < engines_.size(); ++place) {
      use_one(load(), place, number, tally, watchdog_);
    }
  }
  descriptors_ = open_descriptors();
}

LoadOptions Soak::load() const {
  LoadOptions options;
  for (const std::shared_ptr<Engine>& engine : engines_) {
    SandboxOptions where;
    where.engine = engine;
    options.where.push_back(where);
  }
  return options;
}

std::vector<std::string> Soak::audit(NextStart next_start) {
  std::vector<std::string> left;
  const auto found = watchdog_.watch("audit", [&] { return audit_host(home_.path()); });
  if (!found) {
    return {"audit: " + found.error().message()};
  }
  std::error_code error;
  for (const auto& engine : fs::directory_iterator(home_.path() + "/run", error)) {
    ours_.insert(engine.path().filename());
  }
  for (const HostAudit::Topic& topic : found->topics) {
    for (const HostAudit::Leftover& leftover : topic.leftovers) {
      // Of another home of this host, whose programs are not ours to judge.
      const bool is_foreign = !leftover.engine_id.empty() && !ours_.contains(leftover.engine_id);
      const bool goes_with_next_start = leftover.remedy.starts_with("the next sandbox");
      if (!is_foreign && (next_start == NextStart::kWasMade || !goes_with_next_start)) {
        left.push_back(topic.name + ": " + leftover.what);
      }
    }
  }
  return left;
}

void Soak::start_afresh(Tally& tally) {
  EngineOptions options;
  options.home = home_.path();
  auto engine = watchdog_.watch("Engine::create", [&] { return Engine::create(options); });
  if (!engine) {
    tally.unexpected("Engine::create: " + engine.error().message());
    return;
  }
  LoadOptions one;
  one.where.emplace_back().engine = *engine;
  use_one(one, 0, 0, tally, watchdog_);
}

void Soak::remove_kept() {
  SandboxOptions where;
  where.engine = engines_.front();
  const auto kept = Sandbox::list(where);
  for (const Metrics& sandbox : kept.value_or(std::vector<Metrics>{})) {
    where.name = sandbox.name;
    (void)Sandbox(where).remove();
  }
}

Soak::Phase::Phase(Soak& soak, std::string fault, std::vector<std::string> phrases)
    : tally(std::move(fault), std::move(phrases)), soak_(soak), begin_(Clock::now()) {
  std::fprintf(stderr, "soak: %s\n", tally.row().fault.c_str());
}

void Soak::Phase::audit(NextStart next_start) {
  ++audits_;
  for (std::string& text : soak_.audit(next_start)) {
    std::fprintf(stderr, "soak: left over: %s\n", text.c_str());
    leftovers_.push_back(std::move(text));
  }
}

void Soak::Phase::end() {
  audit();
  Row row = tally.row();
  row.leftovers = leftovers_;
  row.audits = audits_;
  // What has died is buried a moment later.
  std::size_t now = open_descriptors();
  for (int attempt = 0; attempt < 100 && now > soak_.descriptors_; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    now = open_descriptors();
  }
  if (soak_.rows_.empty()) {
    soak_.descriptors_ = now;  // the first phase, without a fault, opens all that is kept open
  }
  if (now > soak_.descriptors_) {
    row.leftovers.push_back("descriptors of this program: " + std::to_string(now) + ", were " +
                            std::to_string(soak_.descriptors_));
    std::fprintf(stderr, "soak: left over: %s\n", row.leftovers.back().c_str());
    soak_.descriptors_ = now;
  }
  row.seconds = std::chrono::duration<double>(Clock::now() - begin_).count();
  // What there is of the table, should the rest not come.
  std::fputs(line_of(row).c_str(), stderr);
  soak_.rows_.push_back(std::move(row));
}

void Soak::Phase::skip(const std::string& reason) {
  Row row = tally.row();
  row.skipped = reason;
  soak_.rows_.push_back(std::move(row));
}

void Soak::no_fault(const Share& share) {
  Phase phase(*this, "none", {});
  run_load(load(), phase.tally, watchdog_,
           [&] { return phase.tally.sandboxes() >= share.sandboxes; });
  phase.end();
}

void Soak::kill_targets(const std::string& fault, Target target, int signal_number,
                        const Share& share, const std::vector<std::string>& phrases,
                        const LoadOptions& load) {
  Phase phase(*this, fault, phrases);
  auto output = base::sys::pipe();
  auto killer = base::ChildProcess::spawn(
      {.path = self_,
       .argv = {"msb-soak", "killer", std::to_string(::getpid()), name_of(target),
                std::to_string(signal_number), std::to_string(share.kills),
                std::to_string(rows_.size())},
       .env = {},
       .fds = {{output->write_end.get(), 1}, {2, 2}}});
  if (!killer) {
    return phase.skip(killer.error().message());
  }
  output->write_end.reset();
  std::atomic<bool> killed = false;
  std::jthread watch([&] {
    (void)base::read_all(output->read_end.get(), 1 << 20);  // ends with the killer
    killed = true;
  });
  std::jthread auditor([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && !killed) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      phase.audit();
    }
  });
  run_load(load, phase.tally, watchdog_,
           [&] { return killed && phase.tally.sandboxes() >= share.sandboxes; });
  auditor.request_stop();
  auditor.join();
  watch.join();
  phase.tally.killed(share.kills);
  const auto status = killer->wait();
  if (!status || !status->success()) {
    phase.tally.unexpected("the killer failed");
  }
  output->read_end.reset();
  killer = std::unexpected(Error(ErrorCode::kCancelled, ""));
  phase.end();
}

void Soak::kill_agents(const Share& share) {
  LoadOptions options = load();
  options.work = std::chrono::milliseconds(20);
  kill_targets("agent killed", Target::kAgent, SIGKILL, share, {"its agent was ended by signal 9"},
               options);
}

void Soak::stop_agents(const Share& share) {
  if (share.kills == 0) {
    Phase phase(*this, "agent stopped (SIGSTOP)", {});
    return phase.skip("takes 17 s, so in the long run only");
  }
  LoadOptions options = load();
  options.work = std::chrono::milliseconds(20);
  options.timeout = std::chrono::seconds(2);
  kill_targets("agent stopped (SIGSTOP)", Target::kAgent, SIGSTOP, share,
               {"does not keep the time limit", "does not answer"}, options);
}

void Soak::kill_repls(const Share& share) {
  LoadOptions options = load();
  options.work = std::chrono::milliseconds(20);
  kill_targets("interpreter killed", Target::kRepl, SIGKILL, share, {"ended while it was starting"},
               options);
}

void Soak::kill_wardens(const Share& share) {
  LoadOptions options = load();
  options.work = std::chrono::milliseconds(20);
  kill_targets("warden killed", Target::kWarden, SIGKILL, share,
               {"the warden process has ended", "the warden, which holds all sandboxes"}, options);
}

}  // namespace msb::soak
