// SPDX-License-Identifier: Apache-2.0
//
// A sandbox on a server, as its public object sees it.
//
//   [off] ── start ──► [starting] ──► [started] ── stop ──► [stopping] ──► [off]
//     ▲                    │             ▲                      │
//     └── start failed ────┘             └───── stop failed ────┘
//
// The state is this object's own, as in every SDK of the protocol: nothing tells it what others do
// to the sandbox. One that has ended by itself leaves [started] at the next start() or stop(), once
// a call has met its end. A step is taken under the lock, its call is not: of two concurrent starts
// exactly one finds [off].
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sdk/event_log.h"
#include "sdk/remote/response.h"
#include "sdk/remote/rpc_client.h"
#include "sdk/sandbox_handle.h"

namespace msb::sdk {

class RemoteSandbox final : public SandboxHandle {
 public:
  RemoteSandbox(SandboxOptions options, std::optional<Language> language,
                const std::string& server_url);
  // Of one that was started by this object, so to say.
  RemoteSandbox(SandboxOptions options, std::optional<Language> language,
                std::shared_ptr<RpcClient> client, SandboxDetails details);

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

  // Takes the step to [starting].
  Result<> begin_start();
  // The step to [started], or back.
  void end_start(const Result<>& result);
  Result<> start_on_server(const StartConfig& config, const StartOptions& options);
  Result<> find_on_server();
  Result<SandboxDetails> details() const;
  // Of an ephemeral sandbox with a name of its own: nobody's files are behind it.
  Result<> check_unused(const std::stop_token& stop);
  // "sandbox.remove"; kUnsupported on a server without it.
  Result<> remove_on_server();
  // "sandbox.<verb>", of servers that have the feature "pause".
  Result<> move(const std::string& verb);
  OrderedJson target() const { return target_params(options_.namespace_, name_); }
  bool is_started() const;
  // Notes what an error tells of the sandbox's end, and says it as on this host.
  Error heed(Error error);
  bool is_ephemeral() const { return options_.is_ephemeral || is_anonymous_; }

  const SandboxOptions options_;
  const std::optional<Language> language_;
  const bool is_anonymous_;
  std::string name_;
  std::optional<Error> name_error_;
  const EventLog log_;
  const std::shared_ptr<RpcClient> client_;  // thread-safe; processes have it, too

  mutable std::mutex mutex_;  // guards what follows
  State state_ = State::kOff;
  bool owns_sandbox_ = false;  // we have started it, so we stop it
  bool has_files_ = false;     // an ephemeral sandbox of ours was started, and not removed
  bool is_detached_ = false;
  bool has_ended_ = false;  // by itself, as the server has let us know
  SandboxDetails details_;  // of the start
};

// On the server at `server_url`.
Result<std::vector<Metrics>> list_remote(const SandboxOptions& where,
                                         const std::string& server_url);

}  // namespace msb::sdk
