// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/remote_sandbox.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.h"
#include "engine/validation.h"
#include "sdk/execution_builder.h"
#include "sdk/local/convert.h"
#include "sdk/remote/remote_process.h"
#include "sdk/remote/response.h"

namespace msb::sdk {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kMaxLogBytes = 1024 * 1024;  // a server refuses to be asked for more

RpcClient::Delivery delivery_for(const OutputCallback& on_output) {
  return on_output ? RpcClient::Delivery::kPrompt : RpcClient::Delivery::kInPortions;
}

// A server that sends nothing ahead has all output in its result.
void tell(const OutputCallback& on_output, const std::vector<OutputLine>& lines) {
  if (on_output) {
    for (const OutputLine& line : lines) {
      on_output(line.stream, line.text);
    }
  }
}

// A server says in one of these ways that it knows no such sandbox, or nothing in its namespace.
bool says_unknown(const Error& error) {
  const bool is_answer = error.is(ErrorCode::kRequestFailed) || error.is(ErrorCode::kRpcCall);
  return is_answer && !error.is(ErrorCode::kPermissionDenied);
}

}  // namespace

RemoteSandbox::RemoteSandbox(SandboxOptions options, std::optional<Language> language,
                             const std::string& server_url)
    : options_(std::move(options)),
      language_(language),
      is_anonymous_(options_.name.empty()),
      name_(options_.name),
      log_(options_.logger),
      client_(std::make_shared<RpcClient>(options_, server_url)) {
  if (is_anonymous_) {
    if (auto name = random_name()) {
      name_ = *std::move(name);
    } else {
      name_error_ = std::move(name).error();
    }
  }
}

RemoteSandbox::RemoteSandbox(SandboxOptions options, std::optional<Language> language,
                             std::shared_ptr<RpcClient> client, SandboxDetails details)
    : options_(std::move(options)),
      language_(language),
      is_anonymous_(false),
      name_(options_.name),
      log_(options_.logger),
      client_(std::move(client)),
      state_(State::kStarted),
      owns_sandbox_(true),
      has_files_(true),
      details_(std::move(details)) {}

bool RemoteSandbox::is_started() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kStarted;
}

Result<> RemoteSandbox::check_unused(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    if (has_files_) {
      return {};
    }
  }
  const auto result = client_->call("sandbox.metrics.get", target(), stop);
  if (!result) {
    return says_unknown(result.error()) ? Result<>() : std::unexpected(result.error());
  }
  const Metrics metrics = TRY(decode_metrics(*result));
  if (!metrics.name.empty()) {
    return fail(ErrorCode::kAlreadyExists,
                "sandbox '" + name_ +
                    "' has a stored definition; an ephemeral one needs a name "
                    "of its own");
  }
  return {};
}

Result<> RemoteSandbox::start_on_server(const StartConfig& config, const StartOptions& options) {
  if (name_error_) {
    return std::unexpected(*name_error_);
  }
  if (options_.engine) {
    return fail(ErrorCode::kInvalidArgument,
                "engine, server_url: a sandbox runs on this host or on a server, not on both");
  }
  // The rules are the same everywhere, but for paths: those are the server's.
  engine::Config checked = to_engine(config);
  checked.volumes.clear();
  TRY(engine::validate({.namespace_name = options_.namespace_, .sandbox = name_}, checked));
  OrderedJson params = target();
  for (const Need& need : add_start(params, config, language_)) {
    TRY(client_->require(need.feature, need.option, options.stop));
  }
  if (options_.is_ephemeral && !is_anonymous_) {
    TRY(check_unused(options.stop));
  }
  const auto result = client_->call("sandbox.start", std::move(params), options.stop);
  if (result) {
    SandboxDetails told;  // by an older server nothing
    if (result->is_object()) {
      told = TRY(decode_details(*result));
    } else {
      told.ports = port_mappings(config);
    }
    const std::lock_guard lock(mutex_);
    owns_sandbox_ = !told.was_running;
    has_files_ = is_ephemeral();
    details_ = std::move(told);
    return {};
  }
  if (is_anonymous_ && !result.error().is(ErrorCode::kCreateRequestFailed) &&
      (result.error().is(ErrorCode::kCancelled) || result.error().is(ErrorCode::kTimeout))) {
    // It may have come up all the same; nobody else knows its name.
    static_cast<void>(client_->call("sandbox.stop", target(), {}));
  }
  return std::unexpected(result.error());
}

Result<> RemoteSandbox::begin_start() {
  const std::lock_guard lock(mutex_);
  if (state_ != State::kOff && (state_ != State::kStarted || !has_ended_)) {
    return std::unexpected(
        Error(ErrorCode::kSandboxAlreadyStarted, {}).wrap(ErrorCode::kFailedToStartSandbox));
  }
  state_ = State::kStarting;
  has_ended_ = false;
  return {};
}

void RemoteSandbox::end_start(const Result<>& result) {
  const std::lock_guard lock(mutex_);
  state_ = result ? State::kStarted : State::kOff;
}

Result<> RemoteSandbox::start(const StartConfig& config, const StartOptions& options) {
  TRY(begin_start());
  log_.info("Starting sandbox", {{"name", name_},
                                 {"namespace", options_.namespace_},
                                 {"image", config.image},
                                 {"memory", std::to_string(config.memory)},
                                 {"cpus", std::to_string(config.cpus)}});
  const Result<> result = start_on_server(config, options);
  end_start(result);
  if (!result) {
    return std::unexpected(log_.failed("Sandbox could not be started", name_,
                                       result.error().wrap(ErrorCode::kFailedToStartSandbox)));
  }
  log_.info("Sandbox started successfully", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> RemoteSandbox::find_on_server() {
  TRY(engine::check_sandbox_name(name_));
  TRY(engine::check_namespace(options_.namespace_));
  SandboxDetails found;
  if (auto told = details()) {
    found = *std::move(told);
  } else if (!told.error().is(ErrorCode::kUnsupported)) {
    return told.error().is(ErrorCode::kSandboxNotStarted)
               ? fail(ErrorCode::kSandboxNotStarted, {})
               : std::unexpected(std::move(told).error());
  } else {
    // An older server.
    const auto result = client_->call("sandbox.metrics.get", target(), {});
    if (!result && !says_unknown(result.error())) {
      return std::unexpected(result.error());
    }
    if (!result || !TRY(decode_metrics(*result)).is_running) {
      return fail(ErrorCode::kSandboxNotStarted, {});
    }
  }
  const std::lock_guard lock(mutex_);
  owns_sandbox_ = false;
  details_ = std::move(found);
  return {};
}

Result<SandboxDetails> RemoteSandbox::details() const {
  return decode_details(TRY(client_->call("sandbox.info.get", target(), {})));
}

Result<> RemoteSandbox::attach() {
  TRY(begin_start());
  const Result<> result = find_on_server();
  end_start(result);
  if (!result) {
    return std::unexpected(log_.failed("Sandbox could not be joined", name_,
                                       result.error().wrap(ErrorCode::kFailedToStartSandbox)));
  }
  log_.info("Sandbox joined", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> RemoteSandbox::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kStarted) {
      return not_started(ErrorCode::kFailedToStopSandbox);
    }
    state_ = State::kStopping;
  }
  log_.info("Stopping sandbox", {{"name", name_}, {"namespace", options_.namespace_}});
  const auto stopped = client_->call("sandbox.stop", target(), {});
  {
    const std::lock_guard lock(mutex_);
    state_ = stopped ? State::kOff : State::kStarted;
  }
  if (!stopped) {
    return std::unexpected(log_.failed("Sandbox could not be stopped", name_,
                                       stopped.error().wrap(ErrorCode::kFailedToStopSandbox)));
  }
  log_.info("Sandbox stopped successfully", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> RemoteSandbox::move(const std::string& verb) {
  const auto moved = [&]() -> Result<> {
    if (!is_started()) {
      return fail(ErrorCode::kSandboxNotStarted, {});
    }
    TRY(client_->require("pause", verb + "()", {}));
    TRY(client_->call("sandbox." + verb, target(), {}));
    return {};
  }();
  if (!moved) {
    return std::unexpected(
        log_.failed("Sandbox did not " + verb, name_,
                    heed(moved.error()).wrap(verb + " sandbox '" + name_ + "'")));
  }
  log_.info("Sandbox " + verb + "d", {{"name", name_}, {"namespace", options_.namespace_}});
  return {};
}

Result<> RemoteSandbox::pause() {
  return move("pause");
}

Result<> RemoteSandbox::resume() {
  return move("resume");
}

Result<std::string> RemoteSandbox::snapshot(const std::string& image_name,
                                            const StartOptions& options) {
  auto reference = [&]() -> Result<std::string> {
    if (!is_started()) {
      return fail(ErrorCode::kSandboxNotStarted, {});
    }
    TRY(client_->require("snapshot", "snapshot()", options.stop));
    OrderedJson params = target();
    params["image"] = image_name;
    return decode_snapshot(TRY(client_->call("sandbox.snapshot", std::move(params), options.stop)));
  }();
  if (!reference) {
    return std::unexpected(
        log_.failed("Sandbox gave no image", name_,
                    heed(reference.error()).wrap("snapshot of sandbox '" + name_ + "'")));
  }
  log_.info("Sandbox gave an image", {{"name", name_}, {"image", *reference}});
  return reference;
}

Result<std::vector<std::shared_ptr<SandboxHandle>>> RemoteSandbox::fork(
    std::size_t count, const StartOptions& options) {
  auto names = [&]() -> Result<std::vector<std::string>> {
    if (!is_started()) {
      return fail(ErrorCode::kSandboxNotStarted, {});
    }
    TRY(client_->require("fork", "fork()", options.stop));
    OrderedJson params = target();
    params["count"] = count;
    return decode_fork(TRY(client_->call("sandbox.fork", std::move(params), options.stop)));
  }();
  if (!names) {
    return std::unexpected(
        log_.failed("Sandbox was not copied", name_,
                    heed(names.error()).wrap("fork of sandbox '" + name_ + "'")));
  }
  log_.info("Sandbox copied", {{"name", name_}, {"count", std::to_string(count)}});
  SandboxDetails same;
  {
    const std::lock_guard lock(mutex_);
    same = details_;
  }
  same.ports.clear();
  std::vector<std::shared_ptr<SandboxHandle>> handles;
  for (std::string& name : *names) {
    SandboxOptions theirs = options_;
    theirs.name = std::move(name);
    theirs.is_ephemeral = true;
    handles.push_back(std::make_shared<RemoteSandbox>(std::move(theirs), language_, client_, same));
  }
  return handles;
}

Result<> RemoteSandbox::remove_on_server() {
  const auto removed = client_->call("sandbox.remove", target(), {});
  if (!removed) {
    return std::unexpected(removed.error().wrap("remove sandbox '" + name_ + "'"));
  }
  const std::lock_guard lock(mutex_);
  has_files_ = false;
  return {};
}

Result<> RemoteSandbox::remove() {
  if (is_started()) {
    const Result<> stopped = stop();
    if (!stopped && !stopped.error().is(ErrorCode::kSandboxNotStarted)) {
      return stopped;
    }
  }
  {
    const std::lock_guard lock(mutex_);
    if (is_ephemeral() && !has_files_) {
      return {};  // whatever has the name is not ours
    }
  }
  return remove_on_server();
}

void RemoteSandbox::detach() {
  const std::lock_guard lock(mutex_);
  is_detached_ = true;
}

void RemoteSandbox::close() {
  bool stops = false;
  bool removes = false;
  {
    const std::lock_guard lock(mutex_);
    stops = state_ == State::kStarted && owns_sandbox_ && !is_detached_;
    removes = has_files_ && !is_detached_;
  }
  // Failures have been logged, and there is nobody to tell.
  if (stops) {
    static_cast<void>(stop());
  }
  if (removes) {
    static_cast<void>(remove_on_server());
  }
}

Result<CodeExecution> RemoteSandbox::run_code(Language language, std::string_view code,
                                              const RunOptions& options) {
  if (!is_started()) {
    return not_started(ErrorCode::kFailedToRunCode);
  }
  if (log_.enabled()) {
    log_.debug("Executing code in REPL",
               {{"sandbox", name_}, {"language", std::string(to_string(language))}});
  }
  const auto begin = Clock::now();
  auto run = [&]() -> Result<DecodedCode> {
    OrderedJson params = target();
    TRY(add_code(params, language, code, options));
    ExecutionBuilder builder;
    const rpc::Json result = TRY(client_->call("sandbox.repl.run", std::move(params), options.stop,
                                               output_events(&builder, options.on_output),
                                               delivery_for(options.on_output)));
    return decode_code(result, to_string(language), Clock::now() - begin, std::move(builder));
  }();
  if (!run) {
    return std::unexpected(log_.failed("Code could not be run", name_,
                                       heed(run.error()).wrap(ErrorCode::kFailedToRunCode)));
  }
  tell(options.on_output, run->output);
  return std::move(run->execution);
}

Result<CommandExecution> RemoteSandbox::run_command(const std::string& command,
                                                    const std::vector<std::string>& args,
                                                    const CommandOptions& options) {
  if (!is_started()) {
    return not_started(ErrorCode::kFailedToRunCommand);
  }
  if (log_.enabled()) {
    log_.debug("Executing command",
               {{"sandbox", name_}, {"command", command}, {"args", std::to_string(args.size())}});
  }
  const auto begin = Clock::now();
  auto run = [&]() -> Result<DecodedCommand> {
    OrderedJson params = target();
    for (const Need& need : add_command(params, command, args, options)) {
      TRY(client_->require(need.feature, need.option, options.stop));
    }
    ExecutionBuilder builder;
    const rpc::Json result = TRY(
        client_->call("sandbox.command.run", std::move(params), options.stop,
                      output_events(&builder, options.on_output), delivery_for(options.on_output)));
    return decode_command(result, command, args, Clock::now() - begin, std::move(builder));
  }();
  if (!run) {
    return std::unexpected(log_.failed("Command could not be run", name_,
                                       heed(run.error()).wrap(ErrorCode::kFailedToRunCommand)));
  }
  tell(options.on_output, run->output);
  return std::move(run->execution);
}

Result<std::unique_ptr<ProcessHandle>> RemoteSandbox::spawn(const std::string& command,
                                                            const std::vector<std::string>& args,
                                                            const SpawnOptions& options) {
  if (!is_started()) {
    return not_started(ErrorCode::kFailedToRunCommand);
  }
  if (log_.enabled()) {
    log_.debug("Spawning command", {{"sandbox", name_}, {"command", command}});
  }
  auto process = RemoteProcess::start(client_, target(), command, args, options);
  if (!process) {
    return std::unexpected(log_.failed("Command could not be run", name_,
                                       heed(process.error()).wrap(ErrorCode::kFailedToRunCommand)));
  }
  return process;
}

Error RemoteSandbox::heed(Error error) {
  const bool is_gone = error.is(ErrorCode::kSandboxGone);
  if (!is_gone && !error.is(ErrorCode::kSandboxNotStarted)) {
    return error;
  }
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = state_ == State::kStarted;
  }
  return is_gone ? error : std::move(error).wrap(ErrorCode::kSandboxGone);
}

Result<Metrics> RemoteSandbox::metrics() {
  if (!is_started()) {
    return not_started(ErrorCode::kFailedToGetMetrics);
  }
  if (log_.enabled()) {
    log_.debug("Getting sandbox metrics", {{"sandbox", name_}});
  }
  auto metrics = [&]() -> Result<Metrics> {
    const rpc::Json result = TRY(client_->call("sandbox.metrics.get", target(), {}));
    return decode_metrics(result);
  }();
  if (!metrics) {
    return std::unexpected(log_.failed("Metrics could not be read", name_,
                                       metrics.error().wrap(ErrorCode::kFailedToGetMetrics)));
  }
  if (!metrics->is_running) {
    const std::lock_guard lock(mutex_);
    has_ended_ = state_ == State::kStarted;
  }
  if (metrics->name.empty()) {
    metrics->name = name_;
  }
  if (metrics->namespace_.empty()) {
    metrics->namespace_ = options_.namespace_;
  }
  return metrics;
}

std::vector<PortMapping> RemoteSandbox::ports() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kStarted ? details_.ports : std::vector<PortMapping>{};
}

std::string RemoteSandbox::isolation() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kStarted ? details_.isolation : std::string();
}

std::vector<std::string> RemoteSandbox::weaknesses() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kStarted ? details_.weaknesses : std::vector<std::string>{};
}

std::vector<std::string> RemoteSandbox::image_command() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kStarted ? details_.image_command : std::vector<std::string>{};
}

std::optional<int> RemoteSandbox::exec_exit_code() const {
  if (!is_started()) {
    return std::nullopt;
  }
  const auto told = details();
  return told ? told->exec_exit_code : std::nullopt;
}

Result<std::string> RemoteSandbox::log(std::size_t max_bytes) const {
  if (!is_started()) {
    return std::unexpected(Error(ErrorCode::kSandboxNotStarted, {}));
  }
  OrderedJson params = target();
  params["max_bytes"] = std::min(max_bytes, kMaxLogBytes);
  params["base64"] = true;
  return decode_log(TRY(client_->call("sandbox.log.get", std::move(params), {})));
}

Result<std::vector<Metrics>> list_remote(const SandboxOptions& where,
                                         const std::string& server_url) {
  if (where.namespace_ != "*") {
    TRY(engine::check_namespace(where.namespace_));
  }
  RpcClient client(where, server_url);
  OrderedJson params = OrderedJson::object();
  params["namespace"] = where.namespace_;
  const auto result = client.call("sandbox.metrics.get", std::move(params), {});
  if (!result && (result.error().is(ErrorCode::kNotFound) ||
                  result.error().cause() == ErrorCode::kInvalidArgument)) {
    return std::vector<Metrics>();  // of a good name: that nothing is defined there
  }
  if (!result) {
    return std::unexpected(result.error());
  }
  std::vector<Metrics> readings = TRY(decode_metrics_list(*result));
  for (Metrics& reading : readings) {
    if (reading.namespace_.empty()) {
      reading.namespace_ = where.namespace_;
    }
  }
  return readings;
}

}  // namespace msb::sdk
