// SPDX-License-Identifier: Apache-2.0
//
// msb start: a sandbox on a server, where it stays when msb has ended.
#include <string>
#include <utility>

#include "base/file.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/interrupts.h"
#include "cli/sandbox_flags.h"
#include "cli/verb.h"
#include "msb/sandbox.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "start",
    .usage = "[OPTIONS] NAME [IMAGE]",
    .about =
        "Start a sandbox on a server, where it runs until it is stopped. Without IMAGE the one\n"
        "that was started under this name before is started again, with its files; a sandbox that\n"
        "runs already is left as it is. Host paths and ports are those of the server's host.",
    .epilogue =
        "Examples:\n"
        "  msb server start --detach\n"
        "  msb start work microsandbox/python --memory 1g -e MODE=test\n"
        "  msb exec work -- python3 --version\n"
        "  msb stop work && msb start work\n"
        "  msb start web alpine -p 8080:80 --exec 'httpd -f' && msb logs -f web",
};

constexpr std::size_t kMaxScriptBytes = std::size_t{1} << 20;

// "NAME=TEXT" or "NAME=@FILE".
Result<> add_script(StartConfig& config, std::string_view given) {
  const auto equals = given.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    return fail(ErrorCode::kInvalidArgument, "'" + std::string(given) + "' is not NAME=TEXT");
  }
  std::string text(given.substr(equals + 1));
  if (text.starts_with('@')) {
    text = TRY(base::read_file(text.substr(1), kMaxScriptBytes));
  }
  config.scripts[std::string(given.substr(0, equals))] = std::move(text);
  return {};
}

}  // namespace

Result<int> sandbox_start(Context context, std::vector<std::string> words) {
  ConfigFlags flags;
  ConnectionFlags connection;
  std::vector<std::string> scripts;
  StartConfig& config = flags.config;
  Arguments arguments(context, kHelp);
  arguments.text("--image", "REF", "The same as IMAGE", config.image);
  flags.add_to(arguments);
  arguments.text("--exec", "CMD", "Run this in the background; msb logs shows its output",
                 config.exec);
  arguments.text("--shell", "PATH", "Interpreter of --exec and --script (/bin/sh)", config.shell);
  arguments.list("--script", "NAME=TEXT", "Put a script on PATH; NAME=@FILE: from a file", scripts);
  arguments.list("--depends-on", "NAME", "Start that sandbox first; repeatable", config.depends_on);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "which sandbox? NAME is missing"));
  }
  if (operands->size() > 2 || (operands->size() == 2 && !config.image.empty())) {
    return std::unexpected(usage_error(kHelp.verb, "unexpected '" + operands->back() + "'"));
  }
  if (operands->size() == 2) {
    config.image = operands->back();
  }
  TRY(flags.complete());
  for (const std::string& script : scripts) {
    TRY_WRAP(add_script(config, script), "--script");
  }

  const auto interrupts = TRY(Interrupts::watch());
  SandboxOptions where = TRY(connect(context, connection));
  where.name = operands->front();
  Sandbox sandbox(where);
  sandbox.detach();
  StartOptions options;
  options.stop = interrupts->stop_token();
  const auto started = sandbox.start(config, options);
  if (interrupts->signal() != 0) {
    return interrupts->exit_code();
  }
  return started ? 0 : say_remote_error(kHelp.verb, started.error(), where);
}

}  // namespace msb::cli
