// SPDX-License-Identifier: Apache-2.0
#include "engine/pool.h"

#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "base/thread.h"

namespace msb::engine {
namespace {

// The share of the work that is done in this process yields to the rest of it. (What is done in the
// sandbox yields by its cgroup's weight.)
constexpr int kNiceness = 10;
// A kind that cannot be made is tried again, ever more rarely.
constexpr std::chrono::milliseconds kFirstRetry{1000};
constexpr std::chrono::milliseconds kLastRetry{60'000};
// How long, at most, the host's memory is not looked at while there are spares.
constexpr std::chrono::seconds kLookInterval{60};

std::uint64_t bytes_of(const SpareKind& kind) {
  return kind.tier.is_machine() ? kMachineSpareBytes : kSpareBytes;
}

}  // namespace

Pool::Pool(const PoolOptions& options, Engine engine)
    : options_(options), engine_(std::move(engine)) {}

Pool::Kind* Pool::find(const SpareKind& kind) {
  const auto found =
      std::ranges::find_if(kinds_, [&](const Kind& each) { return each.order.kind == kind; });
  return found == kinds_.end() ? nullptr : &*found;
}

// Null: there are too many kinds, and all have spares.
Pool::Kind* Pool::find_or_add(const SpareOrder& order, Clock::time_point now) {
  if (Kind* found = find(order.kind)) {
    found->order = order;
    found->is_stale = false;
    return found;
  }
  Kind* coldest = nullptr;
  for (Kind& kind : kinds_) {
    // The same name and other layers: the image has changed.
    kind.is_stale |=
        kind.order.reference == order.reference && kind.order.kind.layers != order.kind.layers;
    if (kind.ready.empty() &&
        (coldest == nullptr || kind.demand.peak(now) < coldest->demand.peak(now))) {
      coldest = &kind;
    }
  }
  Kind added(order, Demand(options_.half_life));
  if (kinds_.size() < kMaxKinds) {
    return &kinds_.emplace_back(std::move(added));
  }
  if (coldest != nullptr) {
    *coldest = std::move(added);
  }
  return coldest;
}

std::unique_ptr<Spare> Pool::claim(const SpareOrder& order) {
  if (!is_on()) {
    return nullptr;
  }
  const Clock::time_point now = engine_.now();
  const std::lock_guard lock(mutex_);
  if (closing_.stop_requested()) {
    return nullptr;
  }
  Kind* const kind = find_or_add(order, now);
  if (kind == nullptr) {
    ++status_.not_found;
    return nullptr;
  }
  kind->demand.note_start(now);
  wake();
  // The latest first: more of it is still in caches. The dead stay, for the thread to bury.
  for (auto spare = kind->ready.rbegin(); spare != kind->ready.rend(); ++spare) {
    if ((*spare)->is_alive()) {
      std::unique_ptr<Spare> claimed = std::move(*spare);
      kind->ready.erase(std::next(spare).base());
      ++status_.claimed;
      return claimed;
    }
  }
  ++status_.not_found;
  return nullptr;
}

void Pool::put_back(const SpareKind& kind, std::unique_ptr<Spare> spare) {
  const std::lock_guard lock(mutex_);
  --status_.claimed;
  ++status_.not_found;
  if (Kind* found = closing_.stop_requested() ? nullptr : find(kind)) {
    found->ready.push_back(std::move(spare));
  }
  wake();
}

void Pool::note_language(const SpareKind& kind, wire::Language language) {
  const std::lock_guard lock(mutex_);
  Kind* found = find(kind);
  if (found != nullptr && std::ranges::find(found->used, language) == found->used.end()) {
    found->used.push_back(language);
  }
}

void Pool::add_starts(int difference) {
  const std::lock_guard lock(mutex_);
  starts_ += difference;
  if (starts_ == 0 && thread_.joinable()) {
    wake();
  }
}

void Pool::images_changed() {
  const std::lock_guard lock(mutex_);
  images_changed_ = true;
  wake();
}

void Pool::look_again() {
  const std::lock_guard lock(mutex_);
  wake();
}

// With the lock held.
void Pool::wake() {
  has_news_ = true;
  if (thread_.joinable()) {
    changed_.notify_all();
    return;
  }
  const Clock::time_point now = engine_.now();
  const bool is_wanted = std::ranges::any_of(
      kinds_, [&](const Kind& kind) { return kind.demand.wanted(now, options_) > 0; });
  if (is_wanted && !closing_.stop_requested()) {
    // Where the host gives no thread there are no spares, until the next time they are wanted.
    if (auto thread = base::start_thread([this] { run(); })) {
      thread_ = *std::move(thread);
    }
  }
}

void Pool::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_.request_stop();
    has_news_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
  // Not ended under the lock: their links tell the pool.
  std::vector<Kind> kinds;
  {
    const std::lock_guard lock(mutex_);
    kinds.swap(kinds_);
  }
  for (const Kind& kind : kinds) {
    for (const auto& spare : kind.ready) {
      spare->abandon();
    }
  }
}

PoolStatus Pool::status() {
  const Clock::time_point now = engine_.now();
  const std::lock_guard lock(mutex_);
  PoolStatus status = status_;
  for (const Kind& kind : kinds_) {
    status.ready += static_cast<std::size_t>(
        std::ranges::count_if(kind.ready, [](const auto& spare) { return spare->is_alive(); }));
    status.wanted += kind.is_stale ? 0 : kind.demand.wanted(now, options_);
  }
  status.wanted = std::min(status.wanted, options_.max_spares);
  return status;
}

void Pool::run() {
  // Of this thread alone, on Linux.
  (void)::setpriority(PRIO_PROCESS, 0, kNiceness);
  std::unique_lock lock(mutex_);
  while (!closing_.stop_requested()) {
    has_news_ = false;
    if (std::exchange(images_changed_, false)) {
      check_images(lock);
      continue;
    }
    std::erase_if(kinds_, [](const Kind& kind) { return kind.is_stale && kind.ready.empty(); });
    const Clock::time_point now = engine_.now();
    const Plan plan = this->plan(now);
    if (auto surplus = take_surplus(plan); !surplus.empty()) {
      lock.unlock();
      surplus.clear();
      lock.lock();
      continue;
    }
    if (const Kind* kind = starts_ == 0 ? neediest(plan, now) : nullptr) {
      make_one(lock, *kind);
      continue;
    }
    changed_.wait_until(lock, plan.look_at, [this] { return has_news_; });
  }
}

Pool::Plan Pool::plan(Clock::time_point now) {
  std::vector<Want> wanted;
  std::uint64_t kept_bytes = 0;
  Plan plan{.targets = {}, .look_at = Clock::time_point::max()};
  for (const Kind& kind : kinds_) {
    wanted.push_back({.count = kind.is_stale ? 0 : kind.demand.wanted(now, options_),
                      .bytes = bytes_of(kind.order.kind)});
    kept_bytes += kind.ready.size() * wanted.back().bytes;
    if (const auto falls = kind.demand.falls_at(now, options_)) {
      plan.look_at = std::min(plan.look_at, *falls);
    }
    if (kind.retry_at > now) {
      plan.look_at = std::min(plan.look_at, kind.retry_at);
    }
  }
  const bool is_any_wanted =
      std::ranges::any_of(wanted, [](const Want& want) { return want.count > 0; });
  // How much there is need not be known where nothing is wanted.
  const std::uint64_t bytes =
      is_any_wanted ? affordable(engine_.memory(), options_, kept_bytes) : 0;
  if (kept_bytes > 0 || is_any_wanted) {
    plan.look_at = std::min<Clock::time_point>(plan.look_at, now + kLookInterval);
  }
  plan.targets = divide(wanted, options_.max_spares, bytes);
  return plan;
}

// The dead, those of changed images, and what is more than wanted: the oldest of them.
std::vector<std::unique_ptr<Spare>> Pool::take_surplus(const Plan& plan) {
  std::vector<std::unique_ptr<Spare>> surplus;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    auto& ready = kinds_[i].ready;
    std::vector<std::unique_ptr<Spare>> alive;
    for (std::unique_ptr<Spare>& spare : ready) {
      (spare->is_alive() ? alive : surplus).push_back(std::move(spare));
    }
    ready = std::move(alive);
    if (ready.size() > plan.targets[i]) {
      const auto kept = ready.end() - static_cast<std::ptrdiff_t>(plan.targets[i]);
      std::move(ready.begin(), kept, std::back_inserter(surplus));
      ready.erase(ready.begin(), kept);
    }
  }
  return surplus;
}

Pool::Kind* Pool::neediest(const Plan& plan, Clock::time_point now) {
  Kind* neediest = nullptr;
  std::size_t most = 0;
  for (std::size_t i = 0; i < kinds_.size(); ++i) {
    const std::size_t ready = kinds_[i].ready.size();
    const std::size_t missing = plan.targets[i] > ready ? plan.targets[i] - ready : 0;
    if (missing > most && kinds_[i].retry_at <= now) {
      most = missing;
      neediest = &kinds_[i];
    }
  }
  return neediest;
}

void Pool::make_one(std::unique_lock<std::mutex>& lock, const Kind& kind) {
  SpareOrder order = kind.order;
  if (kind.only_named_until <= engine_.now()) {
    for (const wire::Language language : kind.used) {
      if (std::ranges::find(order.warm, language) == order.warm.end()) {
        order.warm.push_back(language);
      }
    }
  }
  lock.unlock();
  auto made = engine_.make(order, closing_.get_token());
  std::unique_ptr<Spare> spare;  // nobody's, if its kind is gone
  if (made) {
    spare = std::move(*made);
  }
  lock.lock();
  Kind* const found = find(order.kind);
  if (found == nullptr || closing_.stop_requested()) {
    lock.unlock();
    spare.reset();
    lock.lock();
    return;
  }
  if (spare) {
    found->retry_after = {};
    found->ready.push_back(std::move(spare));
    return;
  }
  ++status_.failed;
  if (order.warm.size() > order.kind.languages.size()) {
    // An interpreter that no start has named must not keep the others from theirs: the image may
    // not have it, but one of its sandboxes.
    found->only_named_until = engine_.now() + kLastRetry;
    return;
  }
  found->retry_after = std::clamp(2 * found->retry_after, kFirstRetry, kLastRetry);
  found->retry_at = engine_.now() + found->retry_after;
}

void Pool::check_images(std::unique_lock<std::mutex>& lock) {
  std::vector<SpareOrder> orders;
  orders.reserve(kinds_.size());
  for (const Kind& kind : kinds_) {
    orders.push_back(kind.order);
  }
  lock.unlock();
  std::erase_if(orders, [this](const SpareOrder& order) { return engine_.is_current(order); });
  lock.lock();
  for (const SpareOrder& order : orders) {
    if (Kind* const found = find(order.kind)) {
      found->is_stale = true;
    }
  }
}

}  // namespace msb::engine
