// SPDX-License-Identifier: Apache-2.0
//
// Where the warden's reports of ended sandboxes meet those who wait for them. A report may come
// before create() has returned, so a place for it is made first. Thread-safe.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "isolation/warden_client.h"

namespace msb::engine {

// How one started instance ended, once it has.
class ExitReport {
 public:
  std::optional<isolation::SandboxExit> wait_for(std::chrono::milliseconds limit);
  bool arrived() const;
  // Called once when the report comes, at once if it is there; must not block.
  void on_arrival(std::function<void()> callback);
  void set(isolation::SandboxExit exit);

 private:
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable arrived_;
  std::optional<isolation::SandboxExit> exit_;
  std::function<void()> callback_;
};

class ExitBoard {
 public:
  std::shared_ptr<ExitReport> expect(const std::string& id);
  // The report is given to whoever expects it, and forgotten.
  void deliver(isolation::SandboxExit exit);
  void forget(const std::string& id);

 private:
  std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, std::shared_ptr<ExitReport>> expected_;
};

}  // namespace msb::engine
