// SPDX-License-Identifier: Apache-2.0
//
// The engine's warden: spawned at the first start, and again at the next one after it has died.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "base/try.h"
#include "engine/exit_board.h"
#include "isolation/warden_client.h"

namespace msb::engine {

class WardenKeeper {
 public:
  // `on_spawned` is called after each spawn, by the thread that needed it; must not block.
  WardenKeeper(isolation::WardenOptions options, ExitBoard& exits,
               std::function<void(const std::shared_ptr<isolation::WardenClient>&)> on_spawned);

  // One thread spawns, the others that come meanwhile wait for it.
  Result<std::shared_ptr<isolation::WardenClient>> get();
  // `warden` does not work any more; the next get() makes another.
  void drop(const std::shared_ptr<isolation::WardenClient>& warden);

  // Ends the last one that was made, and all its sandboxes, whether it answers or not.
  void end();

  const std::string& agent_path() const { return options_.agent_path; }

 private:
  const isolation::WardenOptions options_;
  ExitBoard& exits_;
  const std::function<void(const std::shared_ptr<isolation::WardenClient>&)> on_spawned_;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool spawning_ = false;
  std::shared_ptr<isolation::WardenClient> warden_;
  // Shared with the callback of that warden.
  std::shared_ptr<std::atomic<bool>> gone_;
};

}  // namespace msb::engine
