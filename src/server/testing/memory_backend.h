// SPDX-License-Identifier: Apache-2.0
//
// A backend of names alone: starts and stops in memory, and runs echo what they are given.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "server/backend.h"

namespace msb::server::testing {

class MemoryBackend final : public Backend {
 public:
  Result<> check_sandbox_name(std::string_view name) const override {
    return name.empty() ? fail(ErrorCode::kInvalidArgument, "Sandbox name cannot be empty")
                        : Result<>();
  }
  Result<> check_namespace(std::string_view) const override { return {}; }
  Result<StartOutcome> start(const SandboxName& name, const rpc::StartConfig*, const PullSink&,
                             std::stop_token) override {
    const std::lock_guard lock(mutex_);
    return std::exchange(running_[{name.namespace_name, name.sandbox}], true)
               ? StartOutcome::kWasRunning
               : StartOutcome::kStarted;
  }
  Result<> stop(const SandboxName& name) override {
    const std::lock_guard lock(mutex_);
    running_[{name.namespace_name, name.sandbox}] = false;
    return {};
  }
  Result<> pause(const SandboxName& name) override {
    TRY(info(name));
    return {};
  }
  Result<> resume(const SandboxName& name) override { return pause(name); }
  Result<std::string> snapshot(const SandboxName& name, const std::string& image,
                               std::stop_token) override {
    TRY(info(name));
    return image;
  }
  Result<std::vector<std::string>> fork(const SandboxName& name, std::size_t count,
                                        std::stop_token) override {
    TRY(info(name));
    return std::vector<std::string>(count, name.sandbox + "-copy");
  }
  Result<> remove(const SandboxName& name) override {
    const std::lock_guard lock(mutex_);
    running_.erase({name.namespace_name, name.sandbox});
    return {};
  }
  Result<CodeEnd> run_code(const SandboxName& name, const rpc::CodeParams& params,
                           const OutputSink& sink, Delivery, std::stop_token) override {
    if (!is_running(name)) {
      return fail(ErrorCode::kSandboxNotStarted, "sandbox '" + name.sandbox + "' is not running");
    }
    sink(rpc::Stream::kStdout, params.code);
    return CodeEnd{};
  }
  Result<CommandEnd> run_command(const SandboxName& name, const rpc::CommandParams& params,
                                 const OutputSink& sink, Delivery, std::stop_token) override {
    if (!is_running(name)) {
      return fail(ErrorCode::kSandboxNotStarted, "sandbox '" + name.sandbox + "' is not running");
    }
    sink(rpc::Stream::kStderr, params.command);
    return CommandEnd{};
  }
  Result<std::unique_ptr<BackendProcess>> spawn(const SandboxName&, const rpc::SpawnParams&,
                                                const OutputSink&, std::stop_token) override {
    return fail(ErrorCode::kUnsupported, "names have no processes");
  }
  Result<rpc::SandboxInfo> info(const SandboxName& name) override {
    if (!is_running(name)) {
      return fail(ErrorCode::kSandboxNotStarted, "sandbox '" + name.sandbox + "' is not running");
    }
    return rpc::SandboxInfo{.image = "image",
                            .ports = {},
                            .isolation = "jail",
                            .weaknesses = {},
                            .image_command = {},
                            .exec_exit_code = std::nullopt};
  }
  Result<std::vector<rpc::SandboxMetrics>> metrics(std::string_view namespace_name) override {
    std::vector<rpc::SandboxMetrics> all;
    const std::lock_guard lock(mutex_);
    for (const auto& [name, is_running] : running_) {
      if (namespace_name == "*" || namespace_name == name.first) {
        rpc::SandboxMetrics one;
        one.namespace_name = name.first;
        one.name = name.second;
        one.is_running = is_running;
        all.push_back(std::move(one));
      }
    }
    return all;
  }
  SpareCounts spares() override { return {}; }
  Result<std::string> log(const SandboxName&, std::size_t) override { return std::string(); }

 private:
  bool is_running(const SandboxName& name) {
    const std::lock_guard lock(mutex_);
    const auto found = running_.find({name.namespace_name, name.sandbox});
    return found != running_.end() && found->second;
  }

  std::mutex mutex_;  // guards what follows
  std::map<std::pair<std::string, std::string>, bool> running_;
};

}  // namespace msb::server::testing
