// SPDX-License-Identifier: Apache-2.0
#include "engine/warden_keeper.h"

#include <utility>

namespace msb::engine {

WardenKeeper::WardenKeeper(
    isolation::WardenOptions options, ExitBoard& exits,
    std::function<void(const std::shared_ptr<isolation::WardenClient>&)> on_spawned)
    : options_(std::move(options)), exits_(exits), on_spawned_(std::move(on_spawned)) {}

Result<std::shared_ptr<isolation::WardenClient>> WardenKeeper::get() {
  std::shared_ptr<isolation::WardenClient> dead;  // its destructor blocks, so not under the lock
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !spawning_; });
    if (warden_ && gone_->load()) {
      dead = std::move(warden_);
    }
    if (warden_) {
      return warden_;
    }
    spawning_ = true;
  }
  dead.reset();
  auto gone = std::make_shared<std::atomic<bool>>(false);
  auto spawned = isolation::WardenClient::spawn(
      options_, [&exits = exits_, gone](isolation::SandboxExit exit) {
        if (exit.cause == isolation::SandboxExit::Cause::kWardenGone) {
          gone->store(true);
        }
        exits.deliver(std::move(exit));
      });
  std::shared_ptr<isolation::WardenClient> warden;
  if (spawned) {
    warden = std::move(*spawned);
  }
  {
    const std::lock_guard lock(mutex_);
    spawning_ = false;
    warden_ = warden;
    gone_ = std::move(gone);
    changed_.notify_all();
  }
  if (!warden) {
    return std::unexpected(std::move(spawned).error());
  }
  on_spawned_(warden);
  return warden;
}

void WardenKeeper::drop(const std::shared_ptr<isolation::WardenClient>& warden) {
  const std::lock_guard lock(mutex_);
  if (warden_ == warden && gone_) {
    gone_->store(true);
  }
}

void WardenKeeper::end() {
  std::shared_ptr<isolation::WardenClient> last;
  {
    const std::lock_guard lock(mutex_);
    last = warden_;
  }
  if (last) {
    last->end();
  }
}

}  // namespace msb::engine
