// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "engine/engine.h"
#include "msb/engine.h"

namespace msb::sdk {

// An msb::Engine whose sandboxes run on this host, in an engine of this process.
class LocalEngine final : public Engine {
 public:
  explicit LocalEngine(std::shared_ptr<engine::Engine> engine) : engine_(std::move(engine)) {}

  Result<std::vector<SandboxInfo>> list(std::string_view namespace_name) override;
  const std::string& home() const override { return engine_->home(); }
  PoolStatus pool() const override;

  const std::shared_ptr<engine::Engine>& engine() const { return engine_; }

 private:
  const std::shared_ptr<engine::Engine> engine_;
};

}  // namespace msb::sdk
