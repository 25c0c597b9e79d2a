// SPDX-License-Identifier: Apache-2.0
#include "server/methods.h"

#include <algorithm>
#include <array>
#include <latch>
#include <utility>

#include "rpc/base64.h"

namespace msb::server {
namespace {

using rpc::Failure;
using rpc::Json;

constexpr std::array<std::pair<Method, std::string_view>, 16> kMethods = {{
    {Method::kStart, "sandbox.start"},
    {Method::kStop, "sandbox.stop"},
    {Method::kRunCode, "sandbox.repl.run"},
    {Method::kRunCommand, "sandbox.command.run"},
    {Method::kMetrics, "sandbox.metrics.get"},
    {Method::kRemove, "sandbox.remove"},
    {Method::kLog, "sandbox.log.get"},
    {Method::kInfo, "sandbox.info.get"},
    {Method::kSpawn, "sandbox.process.start"},
    {Method::kInput, "sandbox.process.input"},
    {Method::kSignal, "sandbox.process.signal"},
    {Method::kResize, "sandbox.process.resize"},
    {Method::kPause, "sandbox.pause"},
    {Method::kResume, "sandbox.resume"},
    {Method::kSnapshot, "sandbox.snapshot"},
    {Method::kFork, "sandbox.fork"},
}};

MethodFailure invalid(Error error) {
  return {.kind = Failure::kInvalidParams, .error = std::move(error)};
}

MethodFailure invalid(std::string text) {
  return invalid(Error(ErrorCode::kInvalidArgument, std::move(text)));
}

SandboxName name_of(const rpc::Target& target) {
  return {.namespace_name = target.namespace_name, .sandbox = target.sandbox};
}

bool has_sandbox(const std::vector<rpc::SandboxMetrics>& all, const std::string& name) {
  return std::ranges::find(all, name, &rpc::SandboxMetrics::name) != all.end();
}

// A namespace is there when something is defined in it; the default one always is.
std::optional<MethodFailure> check_namespace_exists(const std::string& name, bool has_sandboxes) {
  if (has_sandboxes || name == rpc::kDefaultNamespace) {
    return std::nullopt;
  }
  return invalid(Error(ErrorCode::kNotFound, "Namespace directory '" + name + "' does not exist"));
}

MethodFailure unknown_sandbox(const std::string& sandbox, const std::string& namespace_name) {
  return {.error =
              Error(ErrorCode::kNotFound, "sandbox '" + sandbox +
                                              "' is not defined in "
                                              "namespace '" +
                                              namespace_name + "'; start it with an image first")};
}

// Collects the output of one run and passes it on.
class Collector {
 public:
  explicit Collector(const CallHooks& hooks)
      : forward_(hooks.on_output), collects_(hooks.output == CallHooks::Output::kCollected) {}

  OutputSink sink() {
    return [this](rpc::Stream stream, std::string_view bytes) {
      if (collects_) {
        lines_.append(stream, bytes);
      }
      if (forward_) {
        forward_(stream, bytes);
      }
    };
  }
  std::optional<std::vector<rpc::Line>> finish(std::uint64_t dropped_bytes) {
    return collects_ ? std::optional(std::move(lines_).finish(dropped_bytes)) : std::nullopt;
  }

 private:
  const OutputSink& forward_;
  const bool collects_;
  rpc::Lines lines_;
};

rpc::Json result_of(const rpc::CommandParams& params, const CommandEnd& end, Collector& collector) {
  return rpc::encode(rpc::CommandResult{.command = params.command,
                                        .args = params.args,
                                        .exit_code = end.exit_code,
                                        .signal = end.signal,
                                        .output = collector.finish(end.dropped_bytes),
                                        .limits_hit = end.limits_hit,
                                        .dropped_bytes = end.dropped_bytes});
}

}  // namespace

std::optional<Method> find_method(std::string_view name) {
  const auto found =
      std::ranges::find(kMethods, name, &std::pair<Method, std::string_view>::second);
  return found == kMethods.end() ? std::nullopt : std::optional(found->first);
}

std::string_view name_of(Method method) {
  return std::ranges::find(kMethods, method, &std::pair<Method, std::string_view>::first)->second;
}

bool is_long(Method method) {
  return method == Method::kStart || method == Method::kInput || method == Method::kSnapshot ||
         has_output(method);
}

bool has_output(Method method) {
  return method == Method::kRunCode || method == Method::kRunCommand || method == Method::kSpawn;
}

rpc::Reply reply_of(const MethodFailure& failure) {
  return rpc::failure_reply(failure.kind, failure.error);
}

std::string without_host_paths(std::string text, const std::vector<std::string>& prefixes) {
  constexpr std::string_view kHidden = "<host path>";
  constexpr std::string_view kEndOfPath = " \t\n'\",:;)";
  for (const std::string& prefix : prefixes) {
    std::size_t at = prefix.empty() ? std::string::npos : text.find(prefix);
    while (at != std::string::npos) {
      const std::size_t after = at + prefix.size();
      const bool whole = after == text.size() || text[after] == '/' ||
                         kEndOfPath.find(text[after]) != std::string_view::npos;
      if (!whole) {
        at = text.find(prefix, after);
        continue;
      }
      const std::size_t end = std::min(text.find_first_of(kEndOfPath, after), text.size());
      text.replace(at, end - at, kHidden);
      at = text.find(prefix, at + kHidden.size());
    }
  }
  return text;
}

MethodFailure Methods::failed(const Error& error) const {
  std::string text = without_host_paths(error.message(), host_prefixes_);
  if (error.cause() == ErrorCode::kSandboxNotStarted) {
    text += "; start it with sandbox.start";
  }
  return {.error = Error(error.cause(), std::move(text))};
}

std::optional<MethodFailure> Methods::check_names(const rpc::Target& target) const {
  for (const auto& checked : {backend_.check_sandbox_name(target.sandbox),
                              backend_.check_namespace(target.namespace_name)}) {
    if (!checked) {
      return invalid(checked.error());
    }
  }
  return std::nullopt;
}

std::optional<MethodFailure> Methods::check_defined(const rpc::StartParams& params) {
  const rpc::Target& target = params.target;
  const auto all = backend_.metrics(target.namespace_name);
  if (!all) {
    return failed(all.error());
  }
  if (has_sandbox(*all, target.sandbox)) {
    return std::nullopt;
  }
  // Old servers made the file of an explicit namespace before they looked into it.
  if (all->empty() && !target.names_namespace) {
    return invalid("No configuration provided and no existing configuration found for sandbox '" +
                   target.sandbox + "'");
  }
  return invalid("Sandbox '" + target.sandbox + "' not found in existing configuration");
}

std::optional<MethodFailure> Methods::check_known(const rpc::Target& target) {
  const auto all = backend_.metrics(target.namespace_name);
  if (!all) {
    return failed(all.error());
  }
  if (auto absent = check_namespace_exists(target.namespace_name, !all->empty())) {
    return absent;
  }
  if (!has_sandbox(*all, target.sandbox)) {
    return unknown_sandbox(target.sandbox, target.namespace_name);
  }
  return std::nullopt;
}

Methods::Outcome Methods::call(Method method, const Json* params, const CallHooks& hooks) {
  switch (method) {
    case Method::kStart:
      return start(params, hooks);
    case Method::kStop:
      return stop(params);
    case Method::kRunCode:
      return run_code(params, hooks);
    case Method::kRunCommand:
      return run_command(params, hooks);
    case Method::kMetrics:
      return metrics(params);
    case Method::kRemove:
      return remove(params);
    case Method::kLog:
      return log(params);
    case Method::kInfo:
      return info(params);
    case Method::kSpawn:
      return spawn(params, hooks);
    case Method::kInput:
    case Method::kSignal:
    case Method::kResize:
      return talk(method, params);
    case Method::kPause:
    case Method::kResume:
      return move(method, params);
    case Method::kSnapshot:
      return snapshot(params, hooks);
    case Method::kFork:
      return fork(params, hooks);
  }
  return std::unexpected(failed(Error(ErrorCode::kInternal, "no such method")));
}

// Of what has a target.
template <typename Decoded>
std::expected<Decoded, MethodFailure> Methods::with_good_names(Result<Decoded> decoded) const {
  if (!decoded) {
    return std::unexpected(invalid(decoded.error()));
  }
  if (auto wrong = check_names(decoded->target)) {
    return std::unexpected(*std::move(wrong));
  }
  return *std::move(decoded);
}

Methods::Outcome Methods::start(const Json* params, const CallHooks& hooks) {
  const auto decoded = with_good_names(rpc::decode_start(params));
  if (!decoded) {
    return std::unexpected(decoded.error());
  }
  const std::optional<rpc::StartConfig>& config = decoded->config;
  if (!config) {
    if (auto undefined = check_defined(*decoded)) {
      return std::unexpected(*std::move(undefined));
    }
  }
  const auto started = backend_.start(name_of(decoded->target), config ? &*config : nullptr,
                                      hooks.on_pull, hooks.stop);
  if (!started) {
    return std::unexpected(failed(started.error()));
  }
  std::string text = rpc::started_text(decoded->target.sandbox);
  if (!decoded->wants_details) {
    return text;
  }
  // One that has ended by now was started all the same.
  const auto info = backend_.info(name_of(decoded->target));
  Json details = info ? rpc::encode(*info) : Json::object();
  details["message"] = std::move(text);
  details["was_running"] = *started == StartOutcome::kWasRunning;
  return details;
}

Methods::Outcome Methods::stop(const Json* params) {
  const auto target = target_of(Method::kStop, params);
  if (!target) {
    return std::unexpected(target.error());
  }
  if (auto unknown = check_known(*target)) {
    return std::unexpected(*std::move(unknown));
  }
  if (const auto stopped = backend_.stop(name_of(*target)); !stopped) {
    return std::unexpected(failed(stopped.error()));
  }
  return rpc::stopped_text(target->sandbox);
}

std::expected<rpc::Target, MethodFailure> Methods::target_of(Method method,
                                                             const Json* params) const {
  auto target = rpc::decode_target(params, name_of(method));
  if (!target) {
    return std::unexpected(invalid(target.error()));
  }
  if (auto wrong = check_names(*target)) {
    return std::unexpected(*std::move(wrong));
  }
  return *std::move(target);
}

Methods::Outcome Methods::move(Method method, const Json* params) {
  const auto target = target_of(method, params);
  if (!target) {
    return std::unexpected(target.error());
  }
  const bool pauses = method == Method::kPause;
  const auto moved = pauses ? backend_.pause(name_of(*target)) : backend_.resume(name_of(*target));
  if (!moved) {
    return std::unexpected(failed(moved.error()));
  }
  return pauses ? rpc::paused_text(target->sandbox) : rpc::resumed_text(target->sandbox);
}

Methods::Outcome Methods::snapshot(const Json* params, const CallHooks& hooks) {
  const auto decoded = with_good_names(rpc::decode_snapshot(params));
  if (!decoded) {
    return std::unexpected(decoded.error());
  }
  auto image = backend_.snapshot(name_of(decoded->target), decoded->image, hooks.stop);
  if (!image) {
    return std::unexpected(failed(image.error()));
  }
  return Json{{"image", *std::move(image)}};
}

Methods::Outcome Methods::fork(const Json* params, const CallHooks& hooks) {
  const auto decoded = with_good_names(rpc::decode_fork(params));
  if (!decoded) {
    return std::unexpected(decoded.error());
  }
  auto names = backend_.fork(name_of(decoded->target), decoded->count, hooks.stop);
  if (!names) {
    return std::unexpected(failed(names.error()));
  }
  return Json{{"sandboxes", *std::move(names)}};
}

Methods::Outcome Methods::remove(const Json* params) {
  const auto target = target_of(Method::kRemove, params);
  if (!target) {
    return std::unexpected(target.error());
  }
  if (const auto removed = backend_.remove(name_of(*target)); !removed) {
    return std::unexpected(failed(removed.error()));
  }
  return rpc::removed_text(target->sandbox);
}

Methods::Outcome Methods::run_code(const Json* params, const CallHooks& hooks) {
  const auto target = rpc::decode_run_target(params);
  if (!target) {
    return std::unexpected(invalid(target.error()));
  }
  const auto decoded = rpc::decode_code(*params);
  if (!decoded) {
    return std::unexpected(failed(decoded.error()));
  }
  Collector collector(hooks);
  const auto end =
      backend_.run_code(name_of(*target), *decoded, collector.sink(), hooks.delivery, hooks.stop);
  if (!end) {
    return std::unexpected(failed(end.error()));
  }
  return rpc::encode(rpc::CodeResult{.status = end->status,
                                     .language = decoded->language,
                                     .output = collector.finish(end->dropped_bytes),
                                     .exit_code = end->exit_code,
                                     .state_lost = end->state_lost,
                                     .limits_hit = end->limits_hit,
                                     .dropped_bytes = end->dropped_bytes});
}

Methods::Outcome Methods::run_command(const Json* params, const CallHooks& hooks) {
  const auto target = rpc::decode_run_target(params);
  if (!target) {
    return std::unexpected(invalid(target.error()));
  }
  const auto decoded = rpc::decode_command(*params);
  if (!decoded) {
    return std::unexpected(failed(decoded.error()));
  }
  Collector collector(hooks);
  const auto end = backend_.run_command(name_of(*target), *decoded, collector.sink(),
                                        hooks.delivery, hooks.stop);
  if (!end) {
    return std::unexpected(failed(end.error()));
  }
  return result_of(*decoded, *end, collector);
}

Methods::Outcome Methods::metrics(const Json* params) {
  const auto decoded = rpc::decode_metrics(params);
  if (!decoded) {
    return std::unexpected(invalid(decoded.error()));
  }
  const std::optional<std::string>& wanted = decoded->sandbox;
  const bool everywhere = decoded->namespace_name == "*";
  if (wanted) {
    if (const auto checked = backend_.check_sandbox_name(*wanted); !checked) {
      return std::unexpected(invalid(checked.error()));
    }
  }
  if (!everywhere) {
    if (const auto checked = backend_.check_namespace(decoded->namespace_name); !checked) {
      return std::unexpected(invalid(checked.error()));
    }
  }
  auto all = backend_.metrics(decoded->namespace_name);
  if (!all) {
    return std::unexpected(failed(all.error()));
  }
  if (!everywhere) {
    if (auto absent = check_namespace_exists(decoded->namespace_name, !all->empty())) {
      return std::unexpected(*std::move(absent));
    }
  }
  if (wanted) {
    std::erase_if(*all, [&](const auto& one) { return one.name != *wanted; });
    if (all->empty() && !everywhere) {
      return std::unexpected(unknown_sandbox(*wanted, decoded->namespace_name));
    }
  }
  return rpc::encode(*all);
}

Methods::Outcome Methods::log(const Json* params) {
  const auto decoded = with_good_names(rpc::decode_log(params));
  if (!decoded) {
    return std::unexpected(decoded.error());
  }
  const auto text = backend_.log(name_of(decoded->target), decoded->max_bytes);
  if (!text) {
    return std::unexpected(failed(text.error()));
  }
  if (decoded->as_base64) {
    return Json{{"base64", rpc::to_base64(*text)}};
  }
  return *text;
}

Methods::Outcome Methods::info(const Json* params) {
  const auto target = target_of(Method::kInfo, params);
  if (!target) {
    return std::unexpected(target.error());
  }
  const auto info = backend_.info(name_of(*target));
  if (!info) {
    return std::unexpected(failed(info.error()));
  }
  return rpc::encode(*info);
}

Methods::Outcome Methods::spawn(const Json* params, const CallHooks& hooks) {
  if (hooks.output != CallHooks::Output::kStreamed) {
    return std::unexpected(
        invalid("sandbox.process.start: ask for Accept: application/x-ndjson, to have the output "
                "as it comes"));
  }
  const auto target = rpc::decode_run_target(params);
  if (!target) {
    return std::unexpected(invalid(target.error()));
  }
  const auto decoded = rpc::decode_spawn(*params);
  if (!decoded) {
    return std::unexpected(failed(decoded.error()));
  }
  Collector collector(hooks);
  std::latch is_announced(1);  // output waits until the caller knows whose it is
  const OutputSink sink = [&is_announced, pass_on = collector.sink()](rpc::Stream stream,
                                                                      std::string_view bytes) {
    is_announced.wait();
    pass_on(stream, bytes);
  };
  auto process = backend_.spawn(name_of(*target), *decoded, sink, hooks.stop);
  if (!process) {
    return std::unexpected(failed(process.error()));
  }
  const std::shared_ptr<BackendProcess> running = *std::move(process);
  const auto listed = processes_.add(name_of(*target), running);
  if (listed && hooks.on_process) {
    hooks.on_process(listed->id());
  }
  is_announced.count_down();
  if (!listed) {
    return std::unexpected(failed(listed.error()));
  }
  const auto end = running->wait();
  if (!end) {
    return std::unexpected(failed(end.error()));
  }
  return result_of(decoded->command, *end, collector);
}

Methods::Outcome Methods::talk(Method method, const Json* params) {
  const auto target = rpc::decode_run_target(params);
  if (!target) {
    return std::unexpected(invalid(target.error()));
  }
  const auto talked = [&]() -> Result<> {
    const auto find = [&](const rpc::ProcessParams& of) {
      return processes_.find(name_of(of.target), of.process);
    };
    if (method == Method::kInput) {
      const rpc::InputParams input = TRY(rpc::decode_input(*params));
      const auto process = TRY(find(input));
      TRY(process->write_stdin(input.data));
      return input.end ? process->close_stdin() : Result<>();
    }
    if (method == Method::kSignal) {
      const rpc::SignalParams signal = TRY(rpc::decode_signal(*params));
      return TRY(find(signal))->signal(signal.signal);
    }
    const rpc::ResizeParams resize = TRY(rpc::decode_resize(*params));
    return TRY(find(resize))->resize(resize.size.rows, resize.size.columns);
  }();
  if (!talked) {
    return std::unexpected(failed(talked.error()));
  }
  return true;
}

}  // namespace msb::server
