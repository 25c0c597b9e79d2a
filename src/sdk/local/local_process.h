// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/process.h"
#include "engine/sandbox.h"
#include "sdk/execution_builder.h"
#include "sdk/sandbox_handle.h"

namespace msb::sdk {

class LocalProcess final : public ProcessHandle {
 public:
  static Result<std::unique_ptr<ProcessHandle>> start(
      const std::shared_ptr<engine::Sandbox>& sandbox, const std::string& command,
      const std::vector<std::string>& args, const SpawnOptions& options);

  Result<> write_stdin(std::string_view bytes) override;
  Result<> close_stdin() override;
  Result<> signal(int signal_number) override;
  Result<> resize(std::uint16_t rows, std::uint16_t columns) override;
  Result<CommandExecution> wait() override;

 private:
  LocalProcess(std::string command, std::vector<std::string> args)
      : command_(std::move(command)), args_(std::move(args)) {}

  const std::string command_;
  const std::vector<std::string> args_;
  ExecutionBuilder builder_;  // of the process's thread until wait() has joined it
  // Last, so that its thread ends before what it fills.
  std::unique_ptr<engine::Process> process_;
};

}  // namespace msb::sdk
