// SPDX-License-Identifier: Apache-2.0
#include "sdk/remote/remote_process.h"

#include <signal.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/check.h"
#include "base/thread.h"
#include "sdk/remote/events.h"
#include "sdk/remote/response.h"

namespace msb::sdk {
namespace {

// Well within what a server takes in one body, also as base64.
constexpr std::size_t kInputBytes = 1024 * 1024;
// For a killed command's end to be heard of, before its connection is given up.
constexpr std::chrono::seconds kKillTime{10};

std::unexpected<Error> within_command(Error error) {
  return std::unexpected(std::move(error).wrap(ErrorCode::kFailedToRunCommand));
}

}  // namespace

RemoteProcess::RemoteProcess(std::shared_ptr<RpcClient> client, OrderedJson target,
                             const std::string& command, const std::vector<std::string>& args,
                             const SpawnOptions& options)
    : client_(std::move(client)),
      target_(std::move(target)),
      command_(command),
      args_(args),
      options_(options) {}

Result<std::unique_ptr<ProcessHandle>> RemoteProcess::start(std::shared_ptr<RpcClient> client,
                                                            OrderedJson target,
                                                            const std::string& command,
                                                            const std::vector<std::string>& args,
                                                            const SpawnOptions& options) {
  std::unique_ptr<RemoteProcess> process(
      new RemoteProcess(std::move(client), std::move(target), command, args, options));
  process->thread_ = TRY(base::start_thread([raw = process.get()] { raw->run(); }));
  {
    std::unique_lock lock(process->mutex_);
    process->changed_.wait(lock, [&] { return !process->id_.empty() || process->end_; });
    const std::optional<Result<CommandExecution>>& end = process->end_;
    if (process->id_.empty() && end && !*end) {
      return std::unexpected(end->error());
    }
  }
  return process;
}

void RemoteProcess::run() {
  // The caller's own token ends it as the destructor does.
  const std::stop_callback chained(options_.command.stop, [this] { stop_.request_stop(); });
  Result<CommandExecution> end = take_answer();
  const std::lock_guard lock(mutex_);
  end_ = std::move(end);
  changed_.notify_all();
}

Result<CommandExecution> RemoteProcess::take_answer() {
  const auto begin = std::chrono::steady_clock::now();
  ExecutionBuilder builder;
  const EventSink on_output =
      output_events(options_.collect_output ? &builder : nullptr, options_.command.on_output);
  OrderedJson params = target_;
  CommandOptions command = options_.command;
  command.stdin_bytes.clear();
  static_cast<void>(
      add_command(params, command_, args_, command));  // a server with processes has all
  add_spawn(params, options_);
  const rpc::Json result =
      TRY(client_->call("sandbox.process.start", std::move(params), stop_.get_token(),
                        [&](const rpc::Json& event) -> Result<> {
                          const std::string* const id = rpc::find_string(event, "process");
                          if (id == nullptr) {
                            return on_output(event);
                          }
                          const std::lock_guard lock(mutex_);
                          id_ = *id;
                          changed_.notify_all();
                          return {};
                        }));
  DecodedCommand decoded = TRY(decode_command(
      result, command_, args_, std::chrono::steady_clock::now() - begin, std::move(builder)));
  return std::move(decoded.execution);
}

RemoteProcess::~RemoteProcess() {
  if (!thread_.joinable()) {
    return;
  }
  std::unique_lock lock(mutex_);
  if (!end_ && !id_.empty()) {
    lock.unlock();
    (void)signal(SIGKILL);
    lock.lock();
    changed_.wait_for(lock, kKillTime, [this] { return end_.has_value(); });
  }
  lock.unlock();
  stop_.request_stop();
  thread_.join();
}

Result<> RemoteProcess::tell(std::string_view method, const OrderedJson& params) {
  OrderedJson all = target_;
  {
    const std::lock_guard lock(mutex_);
    all["process"] = id_;
    if (end_) {
      return within_command(Error(ErrorCode::kUnavailable, "the command has ended"));
    }
  }
  all.update(params);
  const auto told = client_->call(method, std::move(all), {});
  if (!told && told.error().cause() == ErrorCode::kNotFound) {
    return within_command(Error(ErrorCode::kUnavailable, "the command has ended"));
  }
  if (!told) {
    return within_command(told.error());
  }
  return {};
}

Result<> RemoteProcess::write_stdin(std::string_view bytes) {
  while (!bytes.empty()) {
    OrderedJson params = OrderedJson::object();
    add_bytes(params, "data", bytes.substr(0, kInputBytes));
    TRY(tell("sandbox.process.input", params));
    bytes.remove_prefix(std::min(bytes.size(), kInputBytes));
  }
  return {};
}

Result<> RemoteProcess::close_stdin() {
  return tell("sandbox.process.input", {{"end", true}});
}

Result<> RemoteProcess::signal(int signal_number) {
  return tell("sandbox.process.signal", {{"signal", signal_number}});
}

Result<> RemoteProcess::resize(std::uint16_t rows, std::uint16_t columns) {
  return tell("sandbox.process.resize", {{"rows", rows}, {"columns", columns}});
}

Result<CommandExecution> RemoteProcess::wait() {
  if (!thread_.joinable()) {
    return within_command(Error(ErrorCode::kInvalidArgument, "wait() was called before"));
  }
  thread_.join();
  MSB_CHECK(end_.has_value());  // nobody else writes it any more
  if (!*end_) {
    return within_command(end_->error());
  }
  return *std::move(*end_);
}

}  // namespace msb::sdk
