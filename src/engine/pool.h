// SPDX-License-Identifier: Apache-2.0
//
// Keeps spare sandboxes for the starts to come. How many is pool_policy.h's business; this is where
// they are, who gets them, and the one thread that makes and ends them.
//
//            make                      claim()
//   (none) ────────► ready ──────────────────────► a start's, never the pool's again
//                      │ ▲      put_back() (untouched)
//                      │ └──────────────────────────
//                      └── dead, not wanted any more, image changed ──► ended
//
// Spares are made one at a time, and while no start is under way: a start never waits for the pool,
// and the pool never takes from a start. Nothing here is an error to anybody: a pool without spares
// is what an engine without a pool is. Thread-safe.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/try.h"
#include "engine/pool_policy.h"
#include "engine/spare.h"

namespace msb::engine {

struct PoolStatus {
  std::size_t ready = 0;
  std::size_t wanted = 0;       // `ready` is on its way there
  std::uint64_t claimed = 0;    // starts that got a spare
  std::uint64_t not_found = 0;  // starts that could have had one
  std::uint64_t failed = 0;     // spares that could not be made
};

class Pool {
 public:
  using Clock = Demand::Clock;

  // What the pool needs of its engine. All may block, and are called from the pool's thread.
  struct Engine {
    std::function<Result<std::unique_ptr<Spare>>(const SpareOrder&, const std::stop_token&)> make;
    // Whether the image is still the one that the kind names.
    std::function<bool(const SpareOrder&)> is_current;
    std::function<HostMemory()> memory;
    std::function<Clock::time_point()> now = &Clock::now;
  };

  static constexpr std::size_t kMaxKinds = 64;  // callers choose images and users

  Pool(const PoolOptions& options, Engine engine);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { close(); }

  bool is_on() const { return options_.max_spares > 0; }

  // A start that a spare of that kind would suit. Counts as demand, and later spares are made as
  // `order` says. Null: there is none. What is returned is alive as far as is known, and nobody
  // else's.
  std::unique_ptr<Spare> claim(const SpareOrder& order);
  // Of claim(), when nothing was done with it.
  void put_back(const SpareKind& kind, std::unique_ptr<Spare> spare);

  // Code in this language was run in a sandbox of that kind: spares will have its interpreter warm.
  void note_language(const SpareKind& kind, wire::Language language);

  // While one lives, no spare is begun.
  class Start {
   public:
    explicit Start(Pool& pool) : pool_(pool) { pool_.add_starts(1); }
    Start(const Start&) = delete;
    Start& operator=(const Start&) = delete;
    ~Start() { pool_.add_starts(-1); }

   private:
    Pool& pool_;
  };

  // Images have been added, changed or removed.
  void images_changed();
  // A spare has died.
  void look_again();

  // Lets go of all spares, which end with their warden, and makes no more.
  void close();

  PoolStatus status();

 private:
  struct Kind {
    Kind(SpareOrder wanted, const Demand& none) : order(std::move(wanted)), demand(none) {}

    SpareOrder order;
    Demand demand;
    std::vector<wire::Language> used;    // languages that were run, though no start named them
    Clock::time_point only_named_until;  // a spare with those could not be made
    std::vector<std::unique_ptr<Spare>> ready;
    Clock::time_point retry_at;
    std::chrono::milliseconds retry_after{0};
    bool is_stale = false;  // its image has changed
  };
  struct Plan {
    std::vector<std::size_t> targets;  // by kind
    Clock::time_point look_at;         // at the latest
  };

  void add_starts(int difference);
  Kind* find(const SpareKind& kind);
  Kind* find_or_add(const SpareOrder& order, Clock::time_point now);
  void wake();
  void run();
  Plan plan(Clock::time_point now);
  std::vector<std::unique_ptr<Spare>> take_surplus(const Plan& plan);
  Kind* neediest(const Plan& plan, Clock::time_point now);
  void make_one(std::unique_lock<std::mutex>& lock, const Kind& kind);
  void check_images(std::unique_lock<std::mutex>& lock);

  const PoolOptions options_;
  const Engine engine_;
  std::stop_source closing_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::vector<Kind> kinds_;
  int starts_ = 0;
  bool has_news_ = false;
  bool images_changed_ = false;
  PoolStatus status_;
  std::thread thread_;  // begins with the first spare that is wanted
};

}  // namespace msb::engine
