// SPDX-License-Identifier: Apache-2.0
#include "server/engine_backend.h"

#include <algorithm>
#include <cctype>
#include <mutex>
#include <utility>

#include "engine/validation.h"
#include "server/snapshot_names.h"

namespace msb::server {
namespace {

// What a sandbox gets whose config does not say: old clients count on it.
constexpr std::int64_t kDefaultMemoryMib = 1024;

engine::Name engine_name(const SandboxName& name) {
  return {.namespace_name = name.namespace_name, .sandbox = name.sandbox};
}

engine::Config engine_config(const rpc::StartConfig& from) {
  engine::Config config;
  config.image = from.image;
  config.memory_mib = from.memory_mib.value_or(kDefaultMemoryMib);
  if (from.cpus) {
    config.cpus = static_cast<double>(*from.cpus);
  }
  config.ports = from.ports;
  config.envs = from.envs;
  config.depends_on = from.depends_on;
  config.workdir = from.workdir;
  config.shell = from.shell;
  config.scripts = from.scripts;
  config.exec = from.exec;
  config.user = from.user;
  config.disk_mib = from.disk_mib.value_or(config.disk_mib);
  config.max_processes = from.max_processes.value_or(config.max_processes);
  config.isolation = from.isolation;
  if (from.cpu_limit) {
    config.cpus = *from.cpu_limit;
  }
  return config;
}

Result<wire::Language> parse_language(const std::string& text) {
  std::string lower = text;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  if (lower == "python") {
    return wire::Language::kPython;
  }
  if (lower == "node" || lower == "nodejs" || lower == "javascript") {
    return wire::Language::kNode;
  }
  return fail(ErrorCode::kUnknownLanguage,
              "Unsupported language: " + text.substr(0, 64) + "; use python or nodejs");
}

rpc::CodeResult::Status status_of(wire::ReplDone::Status status) {
  using From = wire::ReplDone::Status;
  using To = rpc::CodeResult::Status;
  switch (status) {
    case From::kSuccess:
      return To::kSuccess;
    case From::kException:
      return To::kException;
    case From::kExit:
      return To::kExit;
    case From::kTimeout:
      return To::kTimeout;
    case From::kDied:
    case From::kCancelled:
      return To::kDied;
  }
  return To::kDied;
}

engine::Call::Wake wake_of(Delivery delivery) {
  return delivery == Delivery::kPrompt ? engine::Call::Wake::kPrompt
                                       : engine::Call::Wake::kInPortions;
}

engine::OutputSink engine_sink(const OutputSink& sink) {
  return [&sink](engine::Channel channel, std::string_view bytes) {
    sink(channel == engine::Channel::kStdout ? rpc::Stream::kStdout : rpc::Stream::kStderr, bytes);
  };
}

engine::CommandRequest engine_command(const rpc::CommandParams& params) {
  engine::CommandRequest request;
  request.argv.push_back(params.command);
  request.argv.insert(request.argv.end(), params.args.begin(), params.args.end());
  request.env = params.envs;
  request.workdir = params.workdir;
  request.user = params.user;
  request.timeout = params.timeout;
  return request;
}

CommandEnd command_end(engine::CommandEnd end) {
  return {.exit_code = end.exit_code,
          .signal = end.signal,
          .limits_hit = std::move(end.limits.text),
          .dropped_bytes = end.dropped_bytes};
}

class EngineProcess final : public BackendProcess {
 public:
  explicit EngineProcess(std::unique_ptr<engine::Process> process) : process_(std::move(process)) {}

  Result<> write_stdin(std::string_view bytes) override {
    const std::lock_guard lock(input_mutex_);
    return process_->write_stdin(bytes);
  }
  Result<> close_stdin() override {
    const std::lock_guard lock(input_mutex_);
    return process_->close_stdin();
  }
  Result<> signal(int number) override { return process_->signal(number); }
  Result<> resize(std::uint16_t rows, std::uint16_t columns) override {
    return process_->resize(rows, columns);
  }
  Result<CommandEnd> wait() override { return command_end(TRY(process_->wait())); }

 private:
  std::mutex input_mutex_;  // of two inputs at once one waits, and neither is cut in two
  const std::unique_ptr<engine::Process> process_;
};

}  // namespace

Result<> EngineBackend::check_sandbox_name(std::string_view name) const {
  return engine::check_sandbox_name(name);
}

Result<> EngineBackend::check_namespace(std::string_view name) const {
  return engine::check_namespace(name);
}

Result<std::shared_ptr<engine::Sandbox>> EngineBackend::running(const SandboxName& name) const {
  auto sandbox = engine_->find(engine_name(name));
  if (!sandbox) {
    return fail(ErrorCode::kSandboxNotStarted,
                "sandbox '" + name.sandbox.substr(0, engine::kMaxNameBytes) +
                    "' is not running in namespace '" +
                    name.namespace_name.substr(0, engine::kMaxNameBytes) + "'");
  }
  return sandbox;
}

Result<StartOutcome> EngineBackend::start(const SandboxName& name, const rpc::StartConfig* config,
                                          const PullSink& on_pull, std::stop_token stop) {
  engine::StartRequest request;
  request.name = engine_name(name);
  if (config != nullptr) {
    request.config = engine_config(*config);
    TRY(check_image_access(engine_->images(), name.namespace_name, config->image));
    request.config.volumes = TRY(volumes_->resolve(name.namespace_name, config->volumes));
    if (config->image_is_default) {
      request.default_image = std::exchange(request.config.image, {});
    }
  }
  if (on_pull) {
    request.on_progress = [&on_pull](const image::Progress& progress) {
      on_pull(progress.done_bytes, progress.total_bytes);
    };
  }
  request.stop = std::move(stop);
  const engine::StartResult started = TRY(engine_->start(request));
  return started.was_running ? StartOutcome::kWasRunning : StartOutcome::kStarted;
}

Result<> EngineBackend::stop(const SandboxName& name) {
  return engine_->stop(engine_name(name));
}

Result<> EngineBackend::pause(const SandboxName& name) {
  return TRY(running(name))->pause();
}

Result<> EngineBackend::resume(const SandboxName& name) {
  return TRY(running(name))->resume();
}

Result<std::string> EngineBackend::snapshot(const SandboxName& name, const std::string& image,
                                            std::stop_token stop) {
  const auto sandbox = TRY(running(name));
  const std::string reference = TRY(snapshot_reference(name.namespace_name, image));
  return TRY(engine_->snapshot(*sandbox, reference, stop)).reference;
}

Result<std::vector<std::string>> EngineBackend::fork(const SandboxName& name, std::size_t count,
                                                     std::stop_token stop) {
  const auto sandbox = TRY(running(name));
  const auto copies =
      TRY(engine_->fork(*sandbox, {.count = count, .ephemeral = false, .stop = std::move(stop)}));
  std::vector<std::string> names;
  names.reserve(copies.size());
  for (const auto& copy : copies) {
    names.push_back(copy->name().sandbox);
  }
  return names;
}

Result<> EngineBackend::remove(const SandboxName& name) {
  return engine_->remove(engine_name(name));
}

Result<CodeEnd> EngineBackend::run_code(const SandboxName& name, const rpc::CodeParams& params,
                                        const OutputSink& sink, Delivery delivery,
                                        std::stop_token stop) {
  const auto sandbox = TRY(running(name));
  engine::CodeRequest request;
  request.language = TRY(parse_language(params.language));
  request.code = params.code;
  request.wake = wake_of(delivery);
  request.timeout = params.timeout;
  request.stop = std::move(stop);
  engine::CodeEnd end = TRY(sandbox->run_code(request, engine_sink(sink)));
  return CodeEnd{.status = status_of(end.status),
                 .exit_code = end.exit_code,
                 .state_lost = end.state_lost,
                 .limits_hit = std::move(end.limits.text),
                 .dropped_bytes = end.dropped_bytes};
}

Result<CommandEnd> EngineBackend::run_command(const SandboxName& name,
                                              const rpc::CommandParams& params,
                                              const OutputSink& sink, Delivery delivery,
                                              std::stop_token stop) {
  const auto sandbox = TRY(running(name));
  engine::CommandRequest request = engine_command(params);
  request.input = params.stdin_bytes;
  request.wake = wake_of(delivery);
  request.stop = std::move(stop);
  return command_end(TRY(sandbox->run_command(request, engine_sink(sink))));
}

Result<std::unique_ptr<BackendProcess>> EngineBackend::spawn(const SandboxName& name,
                                                             const rpc::SpawnParams& params,
                                                             const OutputSink& sink,
                                                             std::stop_token stop) {
  const auto sandbox = TRY(running(name));
  engine::CommandRequest request = engine_command(params.command);
  request.stdin_open = params.stdin_open || params.terminal;
  request.stop = std::move(stop);
  if (params.terminal) {
    request.terminal = engine::CommandRequest::Terminal{.rows = params.terminal->rows,
                                                        .columns = params.terminal->columns};
  }
  return std::make_unique<EngineProcess>(
      TRY(sandbox->spawn(std::move(request), engine_sink(sink))));
}

Result<rpc::SandboxInfo> EngineBackend::info(const SandboxName& name) {
  const auto sandbox = TRY(running(name));
  rpc::SandboxInfo info{.image = sandbox->config().image,
                        .ports = {},
                        .isolation = isolation::to_text(sandbox->tier()),
                        .weaknesses = sandbox->weaknesses(),
                        .image_command = sandbox->image_command(),
                        .exec_exit_code = sandbox->exec_exit_code()};
  for (const engine::PortRule& rule : sandbox->ports()) {
    info.ports.push_back({.host = rule.host, .guest = rule.guest});
  }
  return info;
}

SpareCounts EngineBackend::spares() {
  const engine::PoolStatus pool = engine_->pool_status();
  return {.ready = pool.ready,
          .wanted = pool.wanted,
          .claimed = pool.claimed,
          .not_found = pool.not_found,
          .failed = pool.failed};
}

Result<std::vector<rpc::SandboxMetrics>> EngineBackend::metrics(std::string_view namespace_name) {
  constexpr std::int64_t kBytesPerMib = 1024 * 1024;
  std::vector<rpc::SandboxMetrics> all;
  for (const engine::SandboxListing& listing : TRY(engine_->list(namespace_name))) {
    rpc::SandboxMetrics one{.namespace_name = listing.name.namespace_name,
                            .name = listing.name.sandbox,
                            .disk_bytes = listing.disk_bytes};
    if (const auto sandbox = engine_->find(listing.name); sandbox && sandbox->is_running()) {
      const engine::Usage usage = sandbox->usage();
      one.is_running = true;
      one.is_paused = sandbox->is_paused();
      one.isolation = isolation::to_text(sandbox->tier());
      one.cpu_percent = usage.cpu_percent;
      one.memory_mib = usage.memory_bytes / kBytesPerMib;
      one.disk_bytes = usage.disk_bytes;
    }
    all.push_back(std::move(one));
  }
  return all;
}

Result<std::string> EngineBackend::log(const SandboxName& name, std::size_t max_bytes) {
  return TRY(running(name))->log(max_bytes);
}

}  // namespace msb::server
