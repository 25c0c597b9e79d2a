// SPDX-License-Identifier: Apache-2.0
//
// A sandbox on this host, as its public object sees it.
//
//   [off] ── start ──► [starting] ──► [started] ── stop ──► [stopping] ──► [off]
//
// A step is taken under the lock, the work of it is not: of two concurrent starts exactly one finds
// [off]. A sandbox that has died by itself leaves [started] at the next start() or stop(); one that
// could not be ended stays there.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "sdk/event_log.h"
#include "sdk/local/local_engine.h"
#include "sdk/sandbox_handle.h"

namespace msb::sdk {

class LocalSandbox final : public SandboxHandle {
 public:
  LocalSandbox(SandboxOptions options, std::optional<Language> language);
  // Of one that was started by this object, so to say.
  LocalSandbox(SandboxOptions options, std::optional<Language> language,
               std::shared_ptr<engine::Engine> engine, std::shared_ptr<engine::Sandbox> sandbox);

  Result<> start(const StartConfig& config, const StartOptions& options) override;
  Result<> attach() override;
  Result<> stop() override;
  Result<> pause() override;
  Result<> resume() override;
  Result<std::string> snapshot(const std::string& image_name, const StartOptions& options) override;
  Result<std::vector<std::shared_ptr<SandboxHandle>>> fork(std::size_t count,
                                                           const StartOptions& options) override;
  Result<> remove() override;
  void detach() override;
  void close() override;

  Result<CodeExecution> run_code(Language language, std::string_view code,
                                 const RunOptions& options) override;
  Result<CommandExecution> run_command(const std::string& command,
                                       const std::vector<std::string>& args,
                                       const CommandOptions& options) override;
  Result<std::unique_ptr<ProcessHandle>> spawn(const std::string& command,
                                               const std::vector<std::string>& args,
                                               const SpawnOptions& options) override;
  Result<Metrics> metrics() override;

  const std::string& name() const override { return name_; }
  const std::string& namespace_name() const override { return options_.namespace_; }
  std::vector<PortMapping> ports() const override;
  std::string isolation() const override;
  std::vector<std::string> weaknesses() const override;
  std::vector<std::string> image_command() const override;
  Result<std::string> log(std::size_t max_bytes) const override;
  std::optional<int> exec_exit_code() const override;

 private:
  enum class State { kOff, kStarting, kStarted, kStopping };

  // Off, or started and dead: takes the step to [starting] and buries the dead.
  Result<> begin_start();
  // The step to [started], or back.
  void end_start(Result<engine::StartResult>& result);
  Result<engine::StartResult> start_in_engine(const StartConfig& config,
                                              const StartOptions& options);
  Result<engine::StartResult> find_in_engine();
  // `verb`: what `step` is called.
  Result<> move(const std::string& verb, Result<> (engine::Sandbox::*step)());
  // The engine of the options, else of the process; found once.
  Result<std::shared_ptr<engine::Engine>> engine();
  // Null unless started.
  std::shared_ptr<engine::Sandbox> started_or_null() const;
  bool is_ephemeral() const { return options_.is_ephemeral || is_anonymous_; }

  const SandboxOptions options_;
  const std::optional<Language> language_;
  const bool is_anonymous_;
  std::string name_;
  std::optional<Error> name_error_;
  const EventLog log_;

  mutable std::mutex mutex_;  // guards what follows
  State state_ = State::kOff;
  std::shared_ptr<engine::Engine> engine_;
  std::shared_ptr<engine::EphemeralFiles> files_;
  std::shared_ptr<engine::Sandbox> sandbox_;
  bool owns_sandbox_ = false;  // we have started it, so we stop it
  bool is_detached_ = false;
};

// Of the engine of `where`.
Result<std::vector<Metrics>> list_local(const SandboxOptions& where);

}  // namespace msb::sdk
