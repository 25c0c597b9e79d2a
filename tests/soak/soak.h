// SPDX-License-Identifier: Apache-2.0
//
// Faults, one function each: what is done to sandboxes in use, and what must then be true. Always:
// the callers get errors that name the fault, nothing hangs, the rest goes on, and an audit finds
// nothing left over.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "load.h"
#include "msb/msb.h"
#include "soak_home.h"
#include "tally.h"
#include "targets.h"
#include "watchdog.h"

namespace msb::soak {

struct Share {
  std::int64_t sandboxes = 0;  // at least so many are made
  int kills = 0;
};

class Soak {
 public:
  Soak(const SoakHome& home, std::string self, std::string server, Watchdog& watchdog);

  void no_fault(const Share& share);
  void kill_agents(const Share& share);
  void stop_agents(const Share& share);
  void kill_repls(const Share& share);
  void kill_wardens(const Share& share);
  void kill_engines(const Share& share);
  void kill_servers(const Share& share);
  void fill_disk();
  void exhaust_descriptors();
  void exhaust_descriptors_of_warden();
  void exhaust_processes();
  // `after`: the whole answers before the cut, of each try.
  void cut_registry(const std::vector<int>& after);

  const std::vector<Row>& rows() const { return rows_; }

 private:
  class Phase;
  void kill_targets(const std::string& fault, Target target, int signal_number, const Share& share,
                    const std::vector<std::string>& phrases, const LoadOptions& load);
  LoadOptions load() const;
  // What is left of the soak's home; leftovers that only wait for the next start are left out when
  // there has not been one.
  enum class NextStart { kWasMade, kIsStillToCome };
  std::vector<std::string> audit(NextStart next_start = NextStart::kWasMade);
  // Sees to it that there was a next start.
  void start_afresh(Tally& tally);
  void remove_kept();

  const SoakHome& home_;
  const std::string self_;
  const std::string server_;
  Watchdog& watchdog_;
  std::vector<std::shared_ptr<Engine>> engines_;
  std::set<std::string> ours_;  // ids of engines of this home
  std::size_t descriptors_ = 0;
  std::vector<Row> rows_;
};

// The programs that a soak starts of itself, to be killed or limited: a load on the home, a dot on
// standard output for each sandbox that is done. `count`: after so many it ends; 0: never. A line
// "! text" for each failure.
int run_victim(const std::string& home, int threads, int count);

}  // namespace msb::soak
