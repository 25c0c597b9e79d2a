// SPDX-License-Identifier: Apache-2.0
//
// What the public classes of a sandbox share behind their backs. One implementation per place where
// sandboxes can run. Thread-safe; the state machine is that of msb/sandbox.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "msb/sandbox.h"

namespace msb::sdk {

// A command that runs; destroying it kills the command.
class ProcessHandle {
 public:
  virtual ~ProcessHandle() = default;
  virtual Result<> write_stdin(std::string_view bytes) = 0;
  virtual Result<> close_stdin() = 0;
  virtual Result<> signal(int signal_number) = 0;
  virtual Result<> resize(std::uint16_t rows, std::uint16_t columns) = 0;
  virtual Result<CommandExecution> wait() = 0;
};

class SandboxHandle {
 public:
  virtual ~SandboxHandle() = default;

  virtual Result<> start(const StartConfig& config, const StartOptions& options) = 0;
  virtual Result<> attach() = 0;
  virtual Result<> stop() = 0;
  virtual Result<> pause() = 0;
  virtual Result<> resume() = 0;
  virtual Result<std::string> snapshot(const std::string& image_name,
                                       const StartOptions& options) = 0;
  // Handles of copies that are started.
  virtual Result<std::vector<std::shared_ptr<SandboxHandle>>> fork(std::size_t count,
                                                                   const StartOptions& options) = 0;
  virtual Result<> remove() = 0;
  virtual void detach() = 0;
  // The owner goes: stops what this handle has started, unless detached.
  virtual void close() = 0;

  virtual Result<CodeExecution> run_code(Language language, std::string_view code,
                                         const RunOptions& options) = 0;
  virtual Result<CommandExecution> run_command(const std::string& command,
                                               const std::vector<std::string>& args,
                                               const CommandOptions& options) = 0;
  virtual Result<std::unique_ptr<ProcessHandle>> spawn(const std::string& command,
                                                       const std::vector<std::string>& args,
                                                       const SpawnOptions& options) = 0;
  virtual Result<Metrics> metrics() = 0;

  virtual const std::string& name() const = 0;
  virtual const std::string& namespace_name() const = 0;
  virtual std::vector<PortMapping> ports() const = 0;
  virtual std::string isolation() const = 0;
  virtual std::vector<std::string> weaknesses() const = 0;
  virtual std::vector<std::string> image_command() const = 0;
  virtual Result<std::string> log(std::size_t max_bytes) const = 0;
  virtual std::optional<int> exec_exit_code() const = 0;
};

// "sandbox-" and eight random hexadecimal digits.
// Errors: kFailedToGenerateRandomName.
Result<std::string> random_name();

// `operation` is not possible: nothing runs.
std::unexpected<Error> not_started(ErrorCode operation);

// No I/O. `language`: of PythonSandbox and NodeSandbox.
std::shared_ptr<SandboxHandle> make_handle(SandboxOptions options,
                                           std::optional<Language> language);

// Behind Sandbox::list().
Result<std::vector<Metrics>> list_sandboxes(const SandboxOptions& where);

}  // namespace msb::sdk
