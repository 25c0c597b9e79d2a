// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "engine/sandbox.h"

namespace msb::engine {

// Sandboxes that a start has brought up for itself; they go again if it fails.
class StartedFirst {
 public:
  StartedFirst() = default;
  StartedFirst(const StartedFirst&) = delete;
  StartedFirst& operator=(const StartedFirst&) = delete;
  ~StartedFirst() {
    for (const auto& sandbox : sandboxes_) {
      [[maybe_unused]] const auto stopped = sandbox->stop();
    }
  }
  void add(std::shared_ptr<Sandbox> sandbox) { sandboxes_.push_back(std::move(sandbox)); }
  void keep() { sandboxes_.clear(); }

 private:
  std::vector<std::shared_ptr<Sandbox>> sandboxes_;
};

}  // namespace msb::engine
