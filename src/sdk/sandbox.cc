// SPDX-License-Identifier: Apache-2.0
#include "msb/sandbox.h"

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "sdk/sandbox_handle.h"

namespace msb {
namespace {

using Handle = std::shared_ptr<sdk::SandboxHandle>;

template <typename Make>
auto each(Result<std::vector<Handle>> handles, const Make& make)
    -> Result<std::vector<decltype(make(Handle()))>> {
  std::vector<decltype(make(Handle()))> sandboxes;
  for (Handle& handle : TRY(std::move(handles))) {
    sandboxes.push_back(make(std::move(handle)));
  }
  return sandboxes;
}

template <typename Kind>
Result<Kind> started(const std::string& image, SandboxOptions options, StartConfig config,
                     const StartOptions& start) {
  Kind sandbox(std::move(options));
  config.image = image;
  TRY(sandbox.start(config, start));
  return sandbox;
}

}  // namespace

class Process::Impl {
 public:
  explicit Impl(std::unique_ptr<sdk::ProcessHandle> process_handle)
      : handle(std::move(process_handle)) {}
  std::unique_ptr<sdk::ProcessHandle> handle;
};

Process::Process(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Process::Process(Process&&) noexcept = default;
Process& Process::operator=(Process&&) noexcept = default;
Process::~Process() = default;

Result<> Process::write_stdin(std::string_view bytes) {
  return impl_->handle->write_stdin(bytes);
}
Result<> Process::close_stdin() {
  return impl_->handle->close_stdin();
}
Result<> Process::signal(int signal_number) {
  return impl_->handle->signal(signal_number);
}
Result<> Process::resize(std::uint16_t rows, std::uint16_t columns) {
  return impl_->handle->resize(rows, columns);
}
Result<CommandExecution> Process::wait() {
  return impl_->handle->wait();
}

Result<CodeExecution> CodeRunner::run(std::string_view code, const RunOptions& options) {
  return handle_->run_code(language_, code, options);
}

Result<CommandExecution> CommandRunner::run(const std::string& command,
                                            const std::vector<std::string>& args,
                                            const CommandOptions& options) {
  return handle_->run_command(command, args, options);
}

Result<Process> CommandRunner::spawn(const std::string& command,
                                     const std::vector<std::string>& args,
                                     const SpawnOptions& options) {
  auto handle = handle_->spawn(command, args, options);
  if (!handle) {
    return std::unexpected(std::move(handle).error());
  }
  return Process(std::make_unique<Process::Impl>(*std::move(handle)));
}

Result<Metrics> MetricsReader::all() {
  return handle_->metrics();
}

Result<double> MetricsReader::cpu() {
  const Metrics metrics = TRY(handle_->metrics());
  return metrics.cpu_percent;
}

Result<std::int64_t> MetricsReader::memory_mib() {
  const Metrics metrics = TRY(handle_->metrics());
  return metrics.memory_mib;
}

Result<std::int64_t> MetricsReader::disk_bytes() {
  const Metrics metrics = TRY(handle_->metrics());
  return metrics.disk_bytes;
}

Result<bool> MetricsReader::is_running() {
  const Metrics metrics = TRY(handle_->metrics());
  return metrics.is_running;
}

Sandbox::Sandbox(SandboxOptions options)
    : handle_(sdk::make_handle(std::move(options), std::nullopt)) {}

Sandbox::Sandbox(SandboxOptions options, Language language)
    : handle_(sdk::make_handle(std::move(options), language)) {}

Sandbox::Sandbox(Sandbox&&) noexcept = default;

Sandbox& Sandbox::operator=(Sandbox&& other) noexcept {
  // What was here before ends now, not whenever the other object does.
  std::swap(handle_, other.handle_);
  if (const auto old = std::exchange(other.handle_, nullptr)) {
    old->close();
  }
  return *this;
}

Sandbox::~Sandbox() {
  if (handle_) {
    handle_->close();
  }
}

Result<> Sandbox::start(const StartConfig& config, const StartOptions& options) {
  return handle_->start(config, options);
}
Result<> Sandbox::attach() {
  return handle_->attach();
}
Result<> Sandbox::stop() {
  return handle_->stop();
}
Result<> Sandbox::pause() {
  return handle_->pause();
}
Result<> Sandbox::resume() {
  return handle_->resume();
}
Result<std::string> Sandbox::snapshot(const std::string& image_name, const StartOptions& options) {
  return handle_->snapshot(image_name, options);
}
Sandbox::Sandbox(std::shared_ptr<sdk::SandboxHandle> handle) : handle_(std::move(handle)) {}

Result<std::vector<std::shared_ptr<sdk::SandboxHandle>>> Sandbox::copies(
    std::size_t count, const StartOptions& options) {
  return handle_->fork(count, options);
}

Result<std::vector<Sandbox>> Sandbox::fork(std::size_t count, const StartOptions& options) {
  return each(copies(count, options), [](Handle handle) { return Sandbox(std::move(handle)); });
}

Result<std::vector<PythonSandbox>> PythonSandbox::fork(std::size_t count,
                                                       const StartOptions& options) {
  return each(copies(count, options),
              [](Handle handle) { return PythonSandbox(std::move(handle)); });
}

Result<std::vector<NodeSandbox>> NodeSandbox::fork(std::size_t count, const StartOptions& options) {
  return each(copies(count, options), [](Handle handle) { return NodeSandbox(std::move(handle)); });
}

Result<PythonSandbox> PythonSandbox::from_snapshot(const std::string& snapshot,
                                                   SandboxOptions options, StartConfig config,
                                                   const StartOptions& start) {
  return started<PythonSandbox>(snapshot, std::move(options), std::move(config), start);
}

Result<NodeSandbox> NodeSandbox::from_snapshot(const std::string& snapshot, SandboxOptions options,
                                               StartConfig config, const StartOptions& start) {
  return started<NodeSandbox>(snapshot, std::move(options), std::move(config), start);
}

Result<> Sandbox::remove() {
  return handle_->remove();
}
void Sandbox::detach() {
  handle_->detach();
}

Result<std::vector<Metrics>> Sandbox::list(const SandboxOptions& where) {
  auto readings = sdk::list_sandboxes(where);
  if (!readings) {
    return std::unexpected(std::move(readings).error().wrap(ErrorCode::kFailedToGetMetrics));
  }
  return readings;
}

CodeRunner Sandbox::code(Language language) {
  return CodeRunner(handle_, language);
}
CommandRunner Sandbox::command() {
  return CommandRunner(handle_);
}
MetricsReader Sandbox::metrics() {
  return MetricsReader(handle_);
}

const std::string& Sandbox::name() const {
  return handle_->name();
}
const std::string& Sandbox::namespace_name() const {
  return handle_->namespace_name();
}
std::vector<PortMapping> Sandbox::ports() const {
  return handle_->ports();
}
std::string Sandbox::isolation() const {
  return handle_->isolation();
}
std::vector<std::string> Sandbox::weaknesses() const {
  return handle_->weaknesses();
}
std::vector<std::string> Sandbox::image_command() const {
  return handle_->image_command();
}
Result<std::string> Sandbox::log(std::size_t max_bytes) const {
  return handle_->log(max_bytes);
}
std::optional<int> Sandbox::exec_exit_code() const {
  return handle_->exec_exit_code();
}

}  // namespace msb
