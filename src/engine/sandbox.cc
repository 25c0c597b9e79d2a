// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox.h"

#include <utility>

#include "base/thread.h"
#include "engine/machine_files.h"
#include "isolation/machine_orders.h"

namespace msb::engine {
namespace {

// How long the warden may take to say why an agent is gone, before we end the sandbox unasked.
constexpr std::chrono::seconds kObituaryTimeout{2};

std::vector<PortRule> ports_of(const SandboxParts& parts) {
  return parts.ports ? parts.ports->ports() : std::vector<PortRule>{};
}

}  // namespace

Sandbox::Sandbox(SandboxParts parts, const EngineFolder& engine_folder,
                 std::function<void(Sandbox&)> on_ended)
    : parts_(std::move(parts)),
      ports_(ports_of(parts_)),
      is_ephemeral_(parts_.folder.is_ephemeral()),
      engine_folder_(engine_folder),
      on_ended_(std::move(on_ended)),
      log_(parts_.folder.path()) {}

std::shared_ptr<Sandbox> Sandbox::create(SandboxParts parts, const EngineFolder& engine_folder,
                                         std::function<void(Sandbox&)> on_ended) {
  return std::shared_ptr<Sandbox>(
      new Sandbox(std::move(parts), engine_folder, std::move(on_ended)));
}

Sandbox::~Sandbox() {
  [[maybe_unused]] const auto stopped = stop();
}

// A run that begins while a pause does stands still with all the others.
Result<> Sandbox::require_motion() const {
  return is_paused_ ? fail(ErrorCode::kSandboxPaused,
                           "sandbox '" + name().sandbox + "' is paused; resume it first")
                    : Result<>();
}

Result<CodeEnd> Sandbox::run_code(const CodeRequest& request, const OutputSink& sink) {
  TRY(require_motion());
  auto end = parts_.session->run_code(request, sink);
  // Only what an interpreter has answered: the image may have none.
  const std::size_t index = request.language == wire::Language::kPython ? 0 : 1;
  if (end && parts_.on_language && !has_run_[index].load() && !has_run_[index].exchange(true)) {
    parts_.on_language(request.language);
  }
  return end;
}

Result<CommandEnd> Sandbox::run_command(const CommandRequest& request, const OutputSink& sink) {
  TRY(require_motion());
  return parts_.session->run_command(request, sink);
}

Result<std::unique_ptr<Process>> Sandbox::spawn(CommandRequest request, OutputSink sink) {
  TRY(require_motion());
  return Process::start(parts_.session, std::move(request), std::move(sink));
}

Usage Sandbox::usage() {
  return parts_.gauges->read();
}

bool Sandbox::is_running() const {
  {
    const std::lock_guard lock(mutex_);
    if (state_ != State::kRunning) {
      return false;
    }
  }
  return !parts_.exit_report->arrived() && !parts_.session->link().lost();
}

bool Sandbox::has_ended() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kEnded;
}

std::optional<Error> Sandbox::why_lingering() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::kLingering ? std::optional(ended_.error()) : std::nullopt;
}

void Sandbox::discard_files_at_end() {
  const std::lock_guard lock(mutex_);
  discards_files_ = true;
}

Result<> Sandbox::start_ports() {
  return parts_.ports->start(parts_.session->shared_link());
}

std::optional<int> Sandbox::exec_exit_code() const {
  const int code = exec_exit_code_.load();
  return code < 0 ? std::nullopt : std::optional(code);
}

Result<> Sandbox::begin_exec() {
  if (!parts_.config.exec.empty()) {
    exec_thread_ = TRY_WRAP(base::start_thread([this] { run_exec(); }), "exec");
  }
  return {};
}

void Sandbox::run_exec() {
  const std::string& shell = parts_.config.shell;
  CommandRequest request;
  request.argv = {shell.empty() ? "/bin/sh" : shell, "-c", parts_.config.exec};
  request.wake = Call::Wake::kPrompt;
  // The log is for reading later; when the host cannot keep it, the command goes on without.
  const OutputSink to_log = [this](Channel, std::string_view bytes) {
    [[maybe_unused]] const auto kept = log_.append(bytes);
  };
  const auto end = parts_.session->run_command(request, to_log);
  if (end) {
    exec_exit_code_ = end->exit_code;
  } else if (!end.error().is(ErrorCode::kSandboxGone)) {
    to_log(Channel::kStderr, "exec: " + end.error().message() + "\n");
    exec_exit_code_ = exit_status(end.error().code());
  }
}

Result<> Sandbox::pause() {
  return set_motion(isolation::Motion::kFrozen);
}

Result<> Sandbox::resume() {
  return set_motion(isolation::Motion::kFree);
}

std::vector<std::string> Sandbox::image_command() const {
  const image::ImageConfig& config = parts_.image.config;
  std::vector<std::string> command = config.entrypoint;
  command.insert(command.end(), config.cmd.begin(), config.cmd.end());
  return command;
}

Result<> Sandbox::require_copyable() const {
  if (!parts_.tier.is_machine()) {
    return fail(ErrorCode::kUnsupported,
                "the tier " + to_text(parts_.tier) + " cannot copy what runs; microvm can");
  }
  if (!parts_.config.volumes.empty()) {
    return fail(ErrorCode::kUnsupported,
                "volumes: what runs cannot be copied while a volume is mounted; start the sandbox "
                "without");
  }
  return require_motion();
}

Result<> Sandbox::save(const std::string& folder, const std::stop_token& stop) {
  TRY(require_copyable());
  const std::lock_guard lock(snapshot_mutex_);
  std::stop_source either;
  const std::stop_callback on_stop(stop, [&either] { either.request_stop(); });
  const std::stop_callback on_end(ending_.get_token(), [&either] { either.request_stop(); });
  const auto runs_wait = parts_.session->hold(either.get_token());
  const std::lock_guard still(motion_mutex_);
  TRY(require_running());
  TRY(require_motion());
  if (!runs_wait) {
    return fail(ErrorCode::kCancelled, "cancelled while it waited for runs of code to end");
  }
  return save_still(folder);
}

Result<> Sandbox::save_still(const std::string& folder) {
  constexpr std::chrono::seconds kPatience{10};
  AgentLink& link = parts_.session->link();
  TRY(link.fall_silent(AgentLink::Clock::now() + kPatience));
  link.begin_rest();
  const auto saved = save_machine_into(folder, parts_.orders.get(), parts_.folder.path());
  const auto moved = move(isolation::Motion::kFree);
  link.go_on();
  TRY(saved);
  TRY_WRAP(moved, "go on after it was copied");
  return {};
}

Result<> Sandbox::require_running() const {
  return is_running() ? Result<>()
                      : fail(ErrorCode::kSandboxNotStarted,
                             "sandbox '" + name().sandbox + "' does not run any more");
}

Result<image::Image> Sandbox::snapshot(image::Store& store, const std::string& image_name,
                                       const std::stop_token& stop) {
  const std::lock_guard lock(snapshot_mutex_);
  const std::lock_guard still(motion_mutex_);
  TRY(require_running());
  const base::UniqueFd layer = TRY(parts_.gauges->writable_layer());
  std::stop_source either;
  const std::stop_callback on_stop(stop, [&either] { either.request_stop(); });
  const std::stop_callback on_end(ending_.get_token(), [&either] { either.request_stop(); });
  // Not paused to its callers: what they ask for takes a moment longer. Where it cannot stand
  // still, its files are read as they come and go.
  const bool stands_still = !is_paused_ && move(isolation::Motion::kFrozen);
  auto image = store.commit(parts_.image.digest, layer.get(), image_name, either.get_token());
  if (stands_still) {
    TRY_WRAP(move(isolation::Motion::kFree), "go on after the snapshot");
  }
  return image;
}

Result<> Sandbox::set_motion(isolation::Motion motion) {
  const std::lock_guard lock(motion_mutex_);
  TRY(require_running());
  const bool pauses = motion == isolation::Motion::kFrozen;
  if (is_paused_ == pauses) {
    return {};
  }
  TRY(move(motion));
  is_paused_ = pauses;
  return {};
}

// The link is told first, and last: a sandbox that stands still is not taken for one that has died.
Result<> Sandbox::move(isolation::Motion motion) {
  AgentLink& link = parts_.session->link();
  if (motion == isolation::Motion::kFrozen) {
    link.begin_rest();
  }
  Result<> moved = parts_.orders ? isolation::move_machine(parts_.orders.get(), motion)
                                 : parts_.warden->freeze(parts_.instance_id, motion);
  if (moved.has_value() == (motion == isolation::Motion::kFree)) {
    link.end_rest();
  }
  if (!moved && moved.error().is(ErrorCode::kUnsupported)) {
    return std::unexpected(std::move(moved).error().wrap("the tier " + to_text(parts_.tier) +
                                                         " cannot do that here, microvm can"));
  }
  return moved;
}

Result<> Sandbox::stop() {
  return end(Error(ErrorCode::kSandboxGone, "the sandbox was stopped"));
}

void Sandbox::bury() {
  const auto lost = parts_.session->link().lost();
  if (!lost || !lost->is(ErrorCode::kCorrupt)) {  // such an agent was cut off, and lives
    (void)parts_.exit_report->wait_for(kObituaryTimeout);
  }
  [[maybe_unused]] const auto ended =
      end(lost ? *lost : Error(ErrorCode::kUnavailable, "the sandbox has ended"));
}

Result<> Sandbox::end(const Error& reason) {
  bool discards = false;
  {
    std::unique_lock lock(mutex_);
    const bool was_ending = state_ == State::kEnding;
    changed_.wait(lock, [this] { return state_ != State::kEnding; });
    // What somebody else has tried in vain is worth another try once the warden has said its word.
    if (state_ == State::kEnded || (was_ending && !parts_.exit_report->arrived())) {
      return ended_;
    }
    state_ = State::kEnding;
    discards = discards_files_;
  }
  {
    // The last snapshot has let go of the file system.
    ending_.request_stop();
    const std::lock_guard lock(snapshot_mutex_);
  }
  // The order matters: callers hear why before the stream breaks under them, and the kernel can
  // take the file system down only when our descriptors of it are closed.
  parts_.session->close(reason);
  parts_.ports.reset();
  parts_.gauges->close();
  Result<> result = parts_.warden->destroy(parts_.instance_id);
  if (!result && (result.error().is(ErrorCode::kUnavailable) || parts_.exit_report->arrived())) {
    result = {};  // the warden is gone, and all its sandboxes with it, or has said that this one is
  }
  if (!result && result.error().is(ErrorCode::kTimeout)) {
    return settle(State::kLingering, std::move(result));
  }
  if (exec_thread_.joinable()) {
    exec_thread_.join();
  }
  {
    const std::lock_guard lock(motion_mutex_);  // whoever has it finds the sandbox gone
    parts_.warden.reset();
    parts_.orders.reset();
    is_paused_ = false;
  }
  if (discards) {
    if (auto discarded = parts_.folder.discard(engine_folder_); !discarded && result) {
      result = discarded;
    }
  }
  parts_.folder.release();
  parts_.image.lease.reset();
  return settle(State::kEnded, std::move(result));
}

Result<> Sandbox::settle(State state, Result<> result) {
  {
    const std::lock_guard lock(mutex_);
    state_ = state;
    ended_ = result;
    changed_.notify_all();
  }
  on_ended_(*this);
  return result;
}

}  // namespace msb::engine
