// SPDX-License-Identifier: Apache-2.0
#include "sdk/local/local_process.h"

#include <utility>

#include "base/try.h"
#include "sdk/local/convert.h"

namespace msb::sdk {
namespace {

Result<> within_command(Result<> result) {
  if (!result) {
    return std::unexpected(std::move(result).error().wrap(ErrorCode::kFailedToRunCommand));
  }
  return result;
}

}  // namespace

Result<std::unique_ptr<ProcessHandle>> LocalProcess::start(
    const std::shared_ptr<engine::Sandbox>& sandbox, const std::string& command,
    const std::vector<std::string>& args, const SpawnOptions& options) {
  engine::CommandRequest request = to_engine(command, args, options.command);
  request.stdin_open = options.stdin_open || options.terminal;
  if (options.terminal) {
    request.terminal = engine::CommandRequest::Terminal{.rows = options.terminal->rows,
                                                        .columns = options.terminal->columns};
  }
  std::unique_ptr<LocalProcess> process(new LocalProcess(command, args));
  process->process_ = TRY(sandbox->spawn(
      std::move(request),
      [raw = process.get(), on_output = options.command.on_output,
       collects = options.collect_output](engine::Channel channel, std::string_view bytes) {
        if (on_output) {
          on_output(to_public(channel), bytes);
        }
        if (collects) {
          raw->builder_.add(to_public(channel), bytes);
        }
      }));
  return process;
}

Result<> LocalProcess::write_stdin(std::string_view bytes) {
  return within_command(process_->write_stdin(bytes));
}

Result<> LocalProcess::close_stdin() {
  return within_command(process_->close_stdin());
}

Result<> LocalProcess::signal(int signal_number) {
  return within_command(process_->signal(signal_number));
}

Result<> LocalProcess::resize(std::uint16_t rows, std::uint16_t columns) {
  return within_command(process_->resize(rows, columns));
}

Result<CommandExecution> LocalProcess::wait() {
  auto end = process_->wait();
  if (!end) {
    return std::unexpected(std::move(end).error().wrap(ErrorCode::kFailedToRunCommand));
  }
  return std::move(builder_).command(command_, args_, end->exit_code, end->signal, to_public(*end));
}

}  // namespace msb::sdk
