// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/try.h"
#include "engine/engine.h"
#include "server/backend.h"
#include "server/volume_policy.h"

namespace msb::server {

// The real backend.
class EngineBackend final : public Backend {
 public:
  // `engine` opens its volumes by the same policy.
  EngineBackend(std::shared_ptr<engine::Engine> engine, std::shared_ptr<const VolumePolicy> volumes)
      : engine_(std::move(engine)), volumes_(std::move(volumes)) {}

  Result<> check_sandbox_name(std::string_view name) const override;
  Result<> check_namespace(std::string_view name) const override;
  Result<StartOutcome> start(const SandboxName& name, const rpc::StartConfig* config,
                             const PullSink& on_pull, std::stop_token stop) override;
  Result<> stop(const SandboxName& name) override;
  Result<> pause(const SandboxName& name) override;
  Result<> resume(const SandboxName& name) override;
  Result<std::string> snapshot(const SandboxName& name, const std::string& image,
                               std::stop_token stop) override;
  Result<std::vector<std::string>> fork(const SandboxName& name, std::size_t count,
                                        std::stop_token stop) override;
  Result<> remove(const SandboxName& name) override;
  Result<CodeEnd> run_code(const SandboxName& name, const rpc::CodeParams& params,
                           const OutputSink& sink, Delivery delivery,
                           std::stop_token stop) override;
  Result<CommandEnd> run_command(const SandboxName& name, const rpc::CommandParams& params,
                                 const OutputSink& sink, Delivery delivery,
                                 std::stop_token stop) override;
  Result<std::unique_ptr<BackendProcess>> spawn(const SandboxName& name,
                                                const rpc::SpawnParams& params,
                                                const OutputSink& sink,
                                                std::stop_token stop) override;
  Result<rpc::SandboxInfo> info(const SandboxName& name) override;
  Result<std::vector<rpc::SandboxMetrics>> metrics(std::string_view namespace_name) override;
  SpareCounts spares() override;
  Result<std::string> log(const SandboxName& name, std::size_t max_bytes) override;

 private:
  Result<std::shared_ptr<engine::Sandbox>> running(const SandboxName& name) const;

  const std::shared_ptr<engine::Engine> engine_;
  const std::shared_ptr<const VolumePolicy> volumes_;
};

}  // namespace msb::server
