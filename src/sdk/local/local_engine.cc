// SPDX-License-Identifier: Apache-2.0
#include "sdk/local/local_engine.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <ranges>
#include <string_view>

#include "base/parse.h"
#include "base/try.h"

namespace msb {
namespace sdk {
namespace {

// As the environment wants it.
Result<PoolOptions> own_pool() {
  PoolOptions pool;
  if (const char* text = std::getenv("MSB_POOL")) {
    const auto number = base::parse_number<std::size_t>(text);
    if (!number) {
      return fail(ErrorCode::kInvalidArgument,
                  "MSB_POOL: '" + std::string(text) + "' is not a number of spare sandboxes");
    }
    pool.max_spares = *number;
  }
  return pool;
}

// As the environment wants it.
std::vector<std::string> usual_isolation() {
  std::vector<std::string> tiers;
  const char* const text = std::getenv("MSB_ISOLATION");
  for (const auto tier : std::views::split(std::string_view(text == nullptr ? "" : text), ',')) {
    tiers.emplace_back(tier.begin(), tier.end());
  }
  return tiers;
}

// The process's own engine. It ends with the statics of the program, or later, with the last
// sandbox that uses it; asking for it after that is an error, not a crash.
class ProcessEngine {
 public:
  ~ProcessEngine() { is_over() = true; }

  static std::atomic<bool>& is_over() {
    static std::atomic<bool> over = false;  // trivially destructible: valid to the very end
    return over;
  }

  Result<std::shared_ptr<Engine>> get() {
    const std::lock_guard lock(mutex_);
    // A forked child makes its own: threads and warden are the parent's.
    if (!engine_ || owner_ != ::getpid()) {
      const PoolOptions pool = TRY(own_pool());
      engine_ = TRY(Engine::create({.home = {}, .libexec_dir = {}, .pool = pool, .isolation = {}}));
      owner_ = ::getpid();
    }
    return engine_;
  }

 private:
  std::mutex mutex_;  // held while the engine is opened: others that need it can only wait
  std::shared_ptr<Engine> engine_;
  pid_t owner_ = 0;
};

}  // namespace

Result<std::vector<SandboxInfo>> LocalEngine::list(std::string_view namespace_name) {
  std::vector<SandboxInfo> infos;
  for (engine::SandboxListing& listing : TRY(engine_->list(namespace_name))) {
    infos.push_back({.namespace_ = std::move(listing.name.namespace_name),
                     .name = std::move(listing.name.sandbox),
                     .image = std::move(listing.image),
                     .is_running = listing.is_running,
                     .disk_bytes = listing.disk_bytes});
  }
  return infos;
}

PoolStatus LocalEngine::pool() const {
  const engine::PoolStatus status = engine_->pool_status();
  return {.ready = status.ready,
          .wanted = status.wanted,
          .claimed = status.claimed,
          .not_found = status.not_found};
}

}  // namespace sdk

Result<std::shared_ptr<Engine>> Engine::create(const EngineOptions& options) {
  const PoolOptions& pool = options.pool;
  if (pool.reserved_memory_mib < 0 || pool.half_life.count() < 0) {
    return fail(ErrorCode::kInvalidArgument,
                "pool: half_life and reserved_memory_mib must not be "
                "negative");
  }
  auto engine = TRY(engine::Engine::open(
      {.home = options.home,
       .libexec_dir = options.libexec_dir,
       .open_volume = nullptr,
       .pool = {.max_spares = pool.max_spares,
                .min_spares = pool.min_spares,
                .half_life = pool.half_life,
                .reserved_memory_bytes = static_cast<std::uint64_t>(pool.reserved_memory_mib)
                                         << 20},
       .isolation = options.isolation.empty() ? sdk::usual_isolation() : options.isolation}));
  return std::make_shared<sdk::LocalEngine>(std::move(engine));
}

Result<std::shared_ptr<Engine>> Engine::instance() {
  if (sdk::ProcessEngine::is_over()) {
    return fail(ErrorCode::kUnavailable, "the program is ending");
  }
  static sdk::ProcessEngine process_engine;
  return process_engine.get();
}

}  // namespace msb
