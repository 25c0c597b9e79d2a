// SPDX-License-Identifier: Apache-2.0
//
// msb eval: code through the interpreter of a fresh sandbox, or of one that runs on a server.
// Submissions share its state and run one after the other until one does not succeed.
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "base/file.h"
#include "base/try.h"
#include "cli/arguments.h"
#include "cli/connection.h"
#include "cli/interrupts.h"
#include "cli/output_writer.h"
#include "cli/report.h"
#include "cli/sandbox_flags.h"
#include "cli/verb.h"

namespace msb::cli {
namespace {

constexpr VerbHelp kHelp{
    .verb = "eval",
    .usage = "[OPTIONS] python|node [CODE... | -f FILE | -]",
    .about =
        "Run code in the interpreter of a fresh sandbox. Several CODE (or FILE) run one after the\n"
        "other in one state, until one fails. - reads the code from stdin, as does giving none\n"
        "when stdin is not a terminal. Code that begins with a dash goes after --.\n"
        "With --sandbox the code runs in a sandbox on a server, which keeps its state.",
    .epilogue =
        "Examples:\n"
        "  msb eval python \"x = 20\" \"print(x + 1)\" \"x * 2\"\n"
        "  msb eval node -f app.js --timeout 10s --memory 256\n"
        "  msb start work microsandbox/python && msb eval --sandbox work python \"x = 1\"\n"
        "  curl -s https://example.org/job.py | msb eval python --json - | jq .status\n"
        "\n"
        "With --json nothing is passed through; each run prints one line, a JSON object with\n"
        "status, language and output.\n"
        "\n"
        "Exit status: 0; 1 after an uncaught exception; the code's own if it exits; 124 after a\n"
        "timeout; 128+N if signal N ended the interpreter; 125 if msb itself failed.",
};

constexpr std::size_t kMaxCodeBytes = std::size_t{64} << 20;

enum class Form { kStream, kJson };

Result<std::vector<std::string>> read_code(const std::vector<std::string>& operands,
                                           const std::vector<std::string>& files) {
  std::vector<std::string> codes(operands.begin() + 1, operands.end());
  if (!files.empty()) {
    if (!codes.empty()) {
      return std::unexpected(usage_error(kHelp.verb, "give CODE or -f FILE, not both"));
    }
    for (const std::string& file : files) {
      codes.push_back(TRY(file == "-" ? base::read_all(STDIN_FILENO, kMaxCodeBytes)
                                      : base::read_file(file, kMaxCodeBytes)));
    }
    return codes;
  }
  const bool from_stdin = codes.size() == 1 && codes.front() == "-";
  if (from_stdin || (codes.empty() && ::isatty(STDIN_FILENO) == 0)) {
    return std::vector{TRY(base::read_all(STDIN_FILENO, kMaxCodeBytes))};
  }
  if (codes.empty()) {
    return std::unexpected(usage_error(kHelp.verb, "no code: give CODE, -f FILE, or - for stdin"));
  }
  return codes;
}

// The sandbox knows its language's image, used when --image is not given.
std::unique_ptr<Sandbox> make_sandbox(Language language, const SandboxOptions& options) {
  if (language == Language::kPython) {
    return std::make_unique<PythonSandbox>(options);
  }
  return std::make_unique<NodeSandbox>(options);
}

// What happened is told by the execution's own output; this adds what can be done about it.
int report(const CodeExecution& execution) {
  say_limits(kHelp.verb, execution.limits_hit());
  const std::string& status = execution.status();
  if (status == "success") {
    return 0;
  }
  if (status == "exit") {
    return execution.exit_code() & 0xFF;  // as much of it as a process can say
  }
  if (status == "timeout") {
    return exit_status(ErrorCode::kTimeout);
  }
  if (status == "died" && execution.exit_code() != 0) {
    return execution.exit_code() & 0xFF;
  }
  return 1;
}

// 0 and on to the next submission, or the exit status.
struct Outcome {
  int status = 0;
  bool ends = false;
};

Result<Outcome> run_one(CodeRunner runner, const std::string& code, const SandboxFlags& flags,
                        Interrupts& interrupts, Form form) {
  OutputWriter output(interrupts);
  RunOptions options;
  options.timeout = flags.timeout;
  options.stop = interrupts.stop_token();
  if (form == Form::kStream) {
    options.on_output = output.callback();
  }
  const auto execution = runner.run(code, options);
  if (const auto lost = output.error()) {
    return std::unexpected(*lost);
  }
  if (interrupts.signal() != 0) {
    return Outcome{interrupts.exit_code(), true};
  }
  if (!execution) {
    return std::unexpected(execution.error());
  }
  if (form == Form::kJson) {
    output.write(Stream::kStdout, execution->to_json() + "\n");
  }
  const int status = report(*execution);
  return Outcome{status, execution->status() != "success"};
}

Result<int> run_all(Sandbox& sandbox, Language language, const std::vector<std::string>& codes,
                    const SandboxFlags& flags, Interrupts& interrupts, Form form) {
  Outcome outcome;
  for (const std::string& code : codes) {
    outcome = TRY(run_one(sandbox.code(language), code, flags, interrupts, form));
    if (outcome.ends) {
      break;
    }
  }
  return outcome.status;
}

int eval_on_server(const SandboxOptions& where, const SandboxFlags& flags, Language language,
                   const std::vector<std::string>& codes, Form form, Interrupts& interrupts) {
  Sandbox sandbox(where);
  const auto joined = sandbox.attach();
  if (!joined) {
    return say_remote_error(kHelp.verb, joined.error(), where);
  }
  const auto status = run_all(sandbox, language, codes, flags, interrupts, form);
  return status ? *status : say_remote_error(kHelp.verb, status.error(), where);
}

// `flags` is taken by value: the engine it holds must end while signals are still watched.
Result<int> eval_in_sandbox(const Context& context, SandboxFlags flags, Language language,
                            const std::vector<std::string>& codes, Form form,
                            Interrupts& interrupts) {
  TRY(make_engine(context, flags));
  const auto sandbox = make_sandbox(language, flags.options);
  const auto started = start(*sandbox, flags, interrupts, kHelp.verb);
  if (interrupts.signal() != 0) {
    return interrupts.exit_code();
  }
  TRY(started);
  return run_all(*sandbox, language, codes, flags, interrupts, form);
}

}  // namespace

Result<int> eval(Context context, std::vector<std::string> words) {
  SandboxFlags flags;
  std::vector<std::string> files;
  bool as_json = false;
  Arguments arguments(context, kHelp);
  arguments.list("-f,--file", "FILE", "Run the code of a file; repeatable", files);
  arguments.flag("--json", "Print each run as a line of JSON", as_json);
  arguments.text("--image", "REF", "Image to run in (microsandbox/python or /node)",
                 flags.config.image);
  flags.add_to(arguments);
  std::string sandbox_name;
  ConnectionFlags connection;
  arguments.text("--sandbox", "NAME", "Run it in this sandbox on a server", sandbox_name);
  connection.add_to(arguments, ConnectionFlags::Namespaces::kOne);
  const auto operands = TRY(arguments.parse(std::move(words), Operands::kAnywhere));
  if (!operands) {
    return 0;
  }
  if (operands->empty()) {
    return std::unexpected(usage_error(kHelp.verb, "which language? give python or node"));
  }
  const auto language = parse_language(operands->front());
  if (!language) {
    return std::unexpected(usage_error(kHelp.verb, language.error().message()));
  }
  const std::vector<std::string> codes = TRY(read_code(*operands, files));
  const Form form = as_json ? Form::kJson : Form::kStream;
  if (!sandbox_name.empty()) {
    if (flags.describe_a_sandbox()) {
      return std::unexpected(usage_error(
          kHelp.verb, "--sandbox runs already: options that describe a new one do not apply"));
    }
    const auto interrupts = TRY(Interrupts::watch());
    SandboxOptions where = TRY(connect(context, connection));
    where.name = sandbox_name;
    return eval_on_server(where, flags, *language, codes, form, *interrupts);
  }
  TRY(flags.complete());
  const auto interrupts = TRY(Interrupts::watch());
  return eval_in_sandbox(context, std::move(flags), *language, codes, form, *interrupts);
}

}  // namespace msb::cli
