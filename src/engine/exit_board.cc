// SPDX-License-Identifier: Apache-2.0
#include "engine/exit_board.h"

#include <utility>

namespace msb::engine {

std::optional<isolation::SandboxExit> ExitReport::wait_for(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  arrived_.wait_for(lock, limit, [this] { return exit_.has_value(); });
  return exit_;
}

bool ExitReport::arrived() const {
  const std::lock_guard lock(mutex_);
  return exit_.has_value();
}

void ExitReport::on_arrival(std::function<void()> callback) {
  {
    const std::lock_guard lock(mutex_);
    if (!exit_) {
      callback_ = std::move(callback);
      return;
    }
  }
  callback();
}

void ExitReport::set(isolation::SandboxExit exit) {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mutex_);
    if (exit_) {
      return;
    }
    exit_ = std::move(exit);
    callback = std::exchange(callback_, nullptr);
    arrived_.notify_all();
  }
  if (callback) {
    callback();
  }
}

std::shared_ptr<ExitReport> ExitBoard::expect(const std::string& id) {
  auto report = std::make_shared<ExitReport>();
  const std::lock_guard lock(mutex_);
  expected_.insert_or_assign(id, report);
  return report;
}

void ExitBoard::deliver(isolation::SandboxExit exit) {
  std::shared_ptr<ExitReport> report;
  {
    const std::lock_guard lock(mutex_);
    const auto found = expected_.find(exit.id);
    if (found == expected_.end()) {
      return;
    }
    report = std::move(found->second);
    expected_.erase(found);
  }
  report->set(std::move(exit));
}

void ExitBoard::forget(const std::string& id) {
  const std::lock_guard lock(mutex_);
  expected_.erase(id);
}

}  // namespace msb::engine
