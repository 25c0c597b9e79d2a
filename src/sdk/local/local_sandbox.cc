// SPDX-License-Identifier: Apache-2.0
#include "sdk/local/local_sandbox.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "engine/validation.h"
#include "sdk/execution_builder.h"
#include "sdk/local/convert.h"
#include "sdk/local/local_process.h"

namespace msb::sdk {
namespace {

const char* default_image(Language language) {
  return language == Language::kPython ? "microsandbox/python" : "microsandbox/node";
}

Result<std::shared_ptr<engine::Engine>> engine_of(const SandboxOptions& options) {
  const std::shared_ptr<Engine> wanted = options.engine ? options.engine : TRY(Engine::instance());
  const auto local = std::dynamic_pointer_cast<LocalEngine>(wanted);
  if (!local) {
    return fail(ErrorCode::kInvalidArgument, "engine: is not one made by Engine::create()");
  }
  return local->engine();
}

// Of the engine's `sandbox`, which may have died.
Metrics reading_of(engine::Sandbox& sandbox) {
  const engine::Usage usage = sandbox.usage();
  Metrics metrics;
  metrics.name = sandbox.name().sandbox;
  metrics.namespace_ = sandbox.name().namespace_name;
  metrics.is_running = sandbox.is_running();
  metrics.is_paused = sandbox.is_paused();
  metrics.disk_bytes = usage.disk_bytes;
  if (metrics.is_running) {
    metrics.isolation = isolation::to_text(sandbox.tier());
    metrics.cpu_percent = usage.cpu_percent;
    metrics.memory_mib = usage.memory_bytes >> 20;
  }
  return metrics;
}

}  // namespace

LocalSandbox::LocalSandbox(SandboxOptions options, std::optional<Language> language)
    : options_(std::move(options)),
      language_(language),
      is_anonymous_(options_.name.empty()),
      name_(options_.name),
      log_(options_.logger) {
  if (is_anonymous_) {
    if (auto name = random_name()) {
      name_ = *std::move(name);
    } else {
      name_error_ = std::move(name).error();
    }
  }
}

LocalSandbox::LocalSandbox(SandboxOptions options, std::optional<Language> language,
                           std::shared_ptr<engine::Engine> engine,
                           std::shared_ptr<engine::Sandbox> sandbox)
    : LocalSandbox(std::move(options), language) {
  state_ = State::kStarted;
  engine_ = std::move(engine);
  sandbox_ = std::move(sandbox);
  owns_sandbox_ = true;
}

Result<std::shared_ptr<engine::Engine>> LocalSandbox::engine() {
  {
    const std::lock_guard lock(mutex_);
    if (engine_) {
      return engine_;
    }
  }
  std::shared_ptr<engine::Engine> found = TRY(engine_of(options_));
  const std::lock_guard lock(mutex_);
  if (!engine_) {
    engine_ = std::move(found);
  }
  return engine_;
}

std::shared_ptr<engine::Sandbox> LocalSandbox::started_or_null() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kStarted ? sandbox_ : nullptr;
}

Result<engine::StartResult> LocalSandbox::start_in_engine(const StartConfig& config,
                                                          const StartOptions& options) {
  if (name_error_) {
    return std::unexpected(*name_error_);
  }
  const std::shared_ptr<engine::Engine> engine = TRY(this->engine());
  using Kind = engine::StartRequest::Kind;
  engine::StartRequest request;
  request.name = {.namespace_name = options_.namespace_, .sandbox = name_};
  request.config = to_engine(config);
  request.kind = is_anonymous_    ? Kind::kAnonymous
                 : is_ephemeral() ? Kind::kEphemeral
                                  : Kind::kPersistent;
  if (is_ephemeral()) {
    // Kept with this object: a later start() finds the files again.
    if (!files_) {
      files_ = TRY(engine->new_files());
    }
    request.files = files_;
  }
  if (language_) {
    request.default_image = default_image(*language_);
    request.warm = {to_engine(*language_)};
  }
  request.on_progress = to_engine(options.on_progress);
  request.stop = options.stop;
  return engine->start(request);
}

Result<> LocalSandbox::begin_start() {
  std::shared_ptr<engine::Sandbox> dead;
  {
    const std::lock_guard lock(mutex_);
    const bool has_died = state_ == State::kStarted && !sandbox_->is_running();
    if (state_ != State::kOff && !has_died) {
      return std::unexpected(
          Error(ErrorCode::kSandboxAlreadyStarted, {}).wrap(ErrorCode::kFailedToStartSandbox));
    }
    state_ = State::kStarting;
    dead = std::exchange(sandbox_, nullptr);
  }
  if (dead) {
    const Result<> buried = dead->stop();  // waits for it
    if (!dead->has_ended()) {
      const std::lock_guard lock(mutex_);
      state_ = State::kStarted;
      sandbox_ = std::move(dead);
      return std::unexpected(buried.error().wrap(ErrorCode::kFailedToStartSandbox));
    }
  }
  return {};
}

void LocalSandbox::end_start(Result<engine::StartResult>& result) {
  const std::lock_guard lock(mutex_);
  state_ = result ? State::kStarted : State::kOff;
  if (result) {
    owns_sandbox_ = !result->was_running;
    sandbox_ = std::move(result->sandbox);
  }
}

Result<> LocalSandbox::start(const StartConfig& config, const StartOptions& options) {
  TRY(begin_start());
  log_.info("Starting sandbox", {{"name", name_},
                                 {"namespace", options_.namespace_},
                                 {"image", config.image},
                                 {"memory", std::to_string(config.memory)},
                                 {"cpus", std::to_string(config.cpus)}});
  auto result = start_in_engine(config, options);
  end_start(result);
  if (!result) {
    return std::unexpected(
        log_.failed("Sandbox could not be started", name_,
                    std::move(result).error().wrap(ErrorCode::kFailedToStartSandbox)));
  }
  log_.info("Sandbox started successfully", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<engine::StartResult> LocalSandbox::find_in_engine() {
  TRY(engine::check_sandbox_name(name_));
  TRY(engine::check_namespace(options_.namespace_));
  auto sandbox =
      TRY(this->engine())->find({.namespace_name = options_.namespace_, .sandbox = name_});
  if (!sandbox) {
    return fail(ErrorCode::kSandboxNotStarted, {});
  }
  return engine::StartResult{.sandbox = std::move(sandbox), .was_running = true};
}

Result<> LocalSandbox::attach() {
  TRY(begin_start());
  auto result = find_in_engine();
  end_start(result);
  if (!result) {
    return std::unexpected(
        log_.failed("Sandbox could not be joined", name_,
                    std::move(result).error().wrap(ErrorCode::kFailedToStartSandbox)));
  }
  log_.info("Sandbox joined", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> LocalSandbox::stop() {
  std::shared_ptr<engine::Sandbox> sandbox;
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kStarted) {
      return not_started(ErrorCode::kFailedToStopSandbox);
    }
    state_ = State::kStopping;
    sandbox = std::exchange(sandbox_, nullptr);
  }
  log_.info("Stopping sandbox", {{"name", name_}, {"namespace", options_.namespace_}});
  const Result<> stopped = sandbox->stop();
  {
    const std::lock_guard lock(mutex_);
    const bool lingers = !sandbox->has_ended();
    state_ = lingers ? State::kStarted : State::kOff;
    sandbox_ = lingers ? std::move(sandbox) : nullptr;
  }
  if (!stopped) {
    return std::unexpected(log_.failed("Sandbox could not be stopped", name_,
                                       stopped.error().wrap(ErrorCode::kFailedToStopSandbox)));
  }
  log_.info("Sandbox stopped successfully", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> LocalSandbox::move(const std::string& verb, Result<> (engine::Sandbox::*step)()) {
  const auto sandbox = started_or_null();
  const Result<> moved =
      sandbox ? (*sandbox.*step)() : Result<>(fail(ErrorCode::kSandboxNotStarted, {}));
  if (!moved) {
    return std::unexpected(log_.failed("Sandbox did not " + verb, name_,
                                       moved.error().wrap(verb + " sandbox '" + name_ + "'")));
  }
  log_.info("Sandbox " + verb + "d", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> LocalSandbox::pause() {
  return move("pause", &engine::Sandbox::pause);
}

Result<> LocalSandbox::resume() {
  return move("resume", &engine::Sandbox::resume);
}

Result<std::string> LocalSandbox::snapshot(const std::string& image_name,
                                           const StartOptions& options) {
  auto image = [&]() -> Result<image::Image> {
    const auto sandbox = started_or_null();
    return sandbox ? TRY(this->engine())->snapshot(*sandbox, image_name, options.stop)
                   : Result<image::Image>(fail(ErrorCode::kSandboxNotStarted, {}));
  }();
  if (!image) {
    return std::unexpected(
        log_.failed("Sandbox gave no image", name_,
                    std::move(image).error().wrap("snapshot of sandbox '" + name_ + "'")));
  }
  log_.info("Sandbox gave an image", {{"name", name_}, {"image", image->reference}});
  return std::move(image->reference);
}

Result<std::vector<std::shared_ptr<SandboxHandle>>> LocalSandbox::fork(
    std::size_t count, const StartOptions& options) {
  using Copies = std::vector<std::shared_ptr<engine::Sandbox>>;
  auto copies = [&]() -> Result<Copies> {
    const auto sandbox = started_or_null();
    return sandbox ? TRY(this->engine())
                         ->fork(*sandbox, {.count = count, .ephemeral = true, .stop = options.stop})
                   : Result<Copies>(fail(ErrorCode::kSandboxNotStarted, {}));
  }();
  if (!copies) {
    return std::unexpected(
        log_.failed("Sandbox was not copied", name_,
                    std::move(copies).error().wrap("fork of sandbox '" + name_ + "'")));
  }
  log_.info("Sandbox copied", {{"name", name_}, {"count", std::to_string(count)}});
  std::vector<std::shared_ptr<SandboxHandle>> handles;
  for (auto& copy : *copies) {
    SandboxOptions theirs = options_;
    theirs.name = copy->name().sandbox;
    theirs.is_ephemeral = true;
    handles.push_back(std::make_shared<LocalSandbox>(std::move(theirs), language_,
                                                     TRY(this->engine()), std::move(copy)));
  }
  return handles;
}

Result<> LocalSandbox::remove() {
  if (started_or_null()) {
    const Result<> stopped = stop();
    if (!stopped && !stopped.error().is(ErrorCode::kSandboxNotStarted)) {
      return stopped;
    }
  }
  if (is_ephemeral()) {
    std::shared_ptr<engine::EphemeralFiles> files;  // removed outside the lock
    const std::lock_guard lock(mutex_);
    files.swap(files_);
    return {};
  }
  const auto engine = TRY(this->engine());
  TRY_WRAP(engine->remove({.namespace_name = options_.namespace_, .sandbox = name_}),
           "remove sandbox '" + name_ + "'");
  return {};
}

void LocalSandbox::detach() {
  const std::lock_guard lock(mutex_);
  is_detached_ = true;
}

void LocalSandbox::close() {
  bool stops = false;
  {
    const std::lock_guard lock(mutex_);
    stops = state_ == State::kStarted && owns_sandbox_ && !is_detached_;
  }
  if (stops) {
    (void)stop();  // a failure has been logged, and the engine's end ends it anyway
  }
  std::shared_ptr<engine::EphemeralFiles> files;  // removed outside the lock
  const std::lock_guard lock(mutex_);
  files.swap(files_);
}

Result<CodeExecution> LocalSandbox::run_code(Language language, std::string_view code,
                                             const RunOptions& options) {
  const auto sandbox = started_or_null();
  if (!sandbox) {
    return not_started(ErrorCode::kFailedToRunCode);
  }
  if (log_.enabled()) {
    log_.debug("Executing code in REPL",
               {{"sandbox", name_}, {"language", std::string(to_string(language))}});
  }
  engine::CodeRequest request;
  request.language = to_engine(language);
  request.code = code;
  request.timeout = options.timeout;
  request.stop = options.stop;
  request.wake = options.on_output ? engine::Call::Wake::kPrompt : engine::Call::Wake::kInPortions;
  ExecutionBuilder builder;
  const auto end = sandbox->run_code(request, [&](engine::Channel channel, std::string_view bytes) {
    if (options.on_output) {
      options.on_output(to_public(channel), bytes);
    }
    builder.add(to_public(channel), bytes);
  });
  if (!end) {
    return std::unexpected(
        log_.failed("Code could not be run", name_, end.error().wrap(ErrorCode::kFailedToRunCode)));
  }
  return std::move(builder).code(to_public(end->status), std::string(to_string(language)),
                                 end->exit_code, end->state_lost, to_public(*end));
}

Result<CommandExecution> LocalSandbox::run_command(const std::string& command,
                                                   const std::vector<std::string>& args,
                                                   const CommandOptions& options) {
  const auto sandbox = started_or_null();
  if (!sandbox) {
    return not_started(ErrorCode::kFailedToRunCommand);
  }
  if (log_.enabled()) {
    log_.debug("Executing command",
               {{"sandbox", name_}, {"command", command}, {"args", std::to_string(args.size())}});
  }
  engine::CommandRequest request = to_engine(command, args, options);
  request.input = options.stdin_bytes;
  ExecutionBuilder builder;
  const auto end =
      sandbox->run_command(request, [&](engine::Channel channel, std::string_view bytes) {
        if (options.on_output) {
          options.on_output(to_public(channel), bytes);
        }
        builder.add(to_public(channel), bytes);
      });
  if (!end) {
    return std::unexpected(log_.failed("Command could not be run", name_,
                                       end.error().wrap(ErrorCode::kFailedToRunCommand)));
  }
  return std::move(builder).command(command, args, end->exit_code, end->signal, to_public(*end));
}

Result<std::unique_ptr<ProcessHandle>> LocalSandbox::spawn(const std::string& command,
                                                           const std::vector<std::string>& args,
                                                           const SpawnOptions& options) {
  const auto sandbox = started_or_null();
  if (!sandbox) {
    return not_started(ErrorCode::kFailedToRunCommand);
  }
  if (log_.enabled()) {
    log_.debug("Spawning command", {{"sandbox", name_}, {"command", command}});
  }
  auto process = LocalProcess::start(sandbox, command, args, options);
  if (!process) {
    return std::unexpected(log_.failed("Command could not be run", name_,
                                       process.error().wrap(ErrorCode::kFailedToRunCommand)));
  }
  return *std::move(process);
}

Result<Metrics> LocalSandbox::metrics() {
  const auto sandbox = started_or_null();
  if (!sandbox) {
    return not_started(ErrorCode::kFailedToGetMetrics);
  }
  if (log_.enabled()) {
    log_.debug("Getting sandbox metrics", {{"sandbox", name_}});
  }
  return reading_of(*sandbox);
}

std::vector<PortMapping> LocalSandbox::ports() const {
  std::vector<PortMapping> ports;
  if (const auto sandbox = started_or_null()) {
    for (const engine::PortRule& rule : sandbox->ports()) {
      ports.push_back({.host = rule.host, .guest = rule.guest});
    }
  }
  return ports;
}

std::string LocalSandbox::isolation() const {
  const auto sandbox = started_or_null();
  return sandbox ? isolation::to_text(sandbox->tier()) : std::string();
}

std::vector<std::string> LocalSandbox::weaknesses() const {
  const auto sandbox = started_or_null();
  return sandbox ? sandbox->weaknesses() : std::vector<std::string>{};
}

std::vector<std::string> LocalSandbox::image_command() const {
  const auto sandbox = started_or_null();
  return sandbox ? sandbox->image_command() : std::vector<std::string>{};
}

Result<std::string> LocalSandbox::log(std::size_t max_bytes) const {
  const auto sandbox = started_or_null();
  if (!sandbox) {
    return std::unexpected(Error(ErrorCode::kSandboxNotStarted, {}));
  }
  return sandbox->log(max_bytes);
}

std::optional<int> LocalSandbox::exec_exit_code() const {
  const auto sandbox = started_or_null();
  return sandbox ? sandbox->exec_exit_code() : std::nullopt;
}

Result<std::vector<Metrics>> list_local(const SandboxOptions& where) {
  const std::shared_ptr<engine::Engine> engine = TRY(engine_of(where));
  std::vector<Metrics> readings;
  for (engine::SandboxListing& listing : TRY(engine->list(where.namespace_))) {
    if (const auto sandbox = engine->find(listing.name)) {
      readings.push_back(reading_of(*sandbox));
      continue;
    }
    Metrics metrics;  // at rest, or in another program
    metrics.name = std::move(listing.name.sandbox);
    metrics.namespace_ = std::move(listing.name.namespace_name);
    metrics.is_running = listing.is_running;
    metrics.disk_bytes = listing.disk_bytes;
    readings.push_back(std::move(metrics));
  }
  return readings;
}

}  // namespace msb::sdk
