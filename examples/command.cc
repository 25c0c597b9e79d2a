// SPDX-License-Identifier: Apache-2.0
//
// Commands: exit codes, the two output streams, shells, stdin, time limits, and one that is talked
// to while it runs.
#include <chrono>
#include <cstdio>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "msb/msb.h"

namespace {

void show(const msb::CommandExecution& execution) {
  std::printf("$ %s", execution.command().c_str());
  for (const std::string& argument : execution.args()) {
    std::printf(" %s", argument.c_str());
  }
  std::printf("\n%s", execution.output().c_str());
  if (!execution.error().empty()) {
    std::printf("stderr: %s", execution.error().c_str());
  }
  std::printf("\n=> %d\n\n", execution.exit_code());
}

}  // namespace

int main() try {
  msb::PythonSandbox sandbox;
  sandbox.start().value();
  msb::CommandRunner commands = sandbox.command();

  show(commands.run("echo", {"Hello", "from", "the", "sandbox"}).value());
  show(commands.run("uname", {"-s"}).value());

  // A command that fails is a result ...
  show(commands.run("ls", {"/nonexistent"}).value());
  // ... one that cannot be started is an error.
  const auto missing = commands.run("no-such-command");
  if (!missing && missing.error().is(msb::ErrorCode::kNotFound)) {
    std::printf("no such command: %s\n\n", missing.error().message().c_str());
  }

  // Arguments are passed as they are; for pipes and redirections ask a shell.
  show(commands.run("sh", {"-c", "printf '3\\n1\\n2\\n' > numbers; sort numbers | head -n 2"})
           .value());

  msb::CommandOptions with_input;
  with_input.stdin_bytes = "one\ntwo\nthree\n";
  with_input.envs = {"PREFIX=> "};
  with_input.workdir = "/tmp";
  show(commands
           .run("sh", {"-c", "pwd; while read -r line; do echo \"$PREFIX$line\"; done"}, with_input)
           .value());

  msb::CommandOptions limited;
  limited.timeout = std::chrono::milliseconds(200);
  const auto slow = commands.run("sleep", {"60"}, limited);
  if (!slow && slow.error().is(msb::ErrorCode::kTimeout)) {
    std::printf("sleep: %s\n\n", slow.error().message().c_str());
  }

  // A conversation.
  msb::Process shell = commands.spawn("sh", {}).value();
  shell.write_stdin("answer=$((6 * 7))\n").value();
  shell.write_stdin("echo the answer is $answer\n").value();
  shell.close_stdin().value();
  show(shell.wait().value());
  return 0;
} catch (const std::bad_expected_access<msb::Error>& failure) {
  std::fprintf(stderr, "%s\n", failure.error().message().c_str());
  return 1;
}
