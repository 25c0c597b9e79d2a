// SPDX-License-Identifier: Apache-2.0
//
// The Python REPL: state that lasts from run to run, errors that do not end it, output as it comes.
#include <chrono>
#include <cstdio>
#include <expected>
#include <string_view>

#include "msb/msb.h"

namespace {

void show(std::string_view title, const msb::CodeExecution& execution) {
  std::printf("%.*s [%s]\n", static_cast<int>(title.size()), title.data(),
              execution.status().c_str());
  if (!execution.output().empty()) {
    std::printf("%s\n", execution.output().c_str());
  }
  if (execution.has_error()) {
    std::printf("stderr: %s\n", execution.error().c_str());
  }
}

}  // namespace

int main() try {
  msb::StartConfig config;
  config.memory = 512;
  config.cpus = 1;
  msb::PythonSandbox sandbox;
  sandbox.start(config).value();
  msb::CodeRunner python = sandbox.code();

  // Variables, functions and imports stay.
  python.run("x = 10").value();
  python.run("y = 20").value();
  show("state", python.run("print(f'x + y = {x + y}')\nx * y").value());

  // An exception is a result, not an error of ours, and the state survives it.
  show("exception", python.run("1/0").value());
  show("after it", python.run("x").value());

  show("a program", python
                        .run(R"(
import statistics

data = [2, 4, 4, 4, 5, 5, 7, 9]
for name in ("mean", "median", "pstdev"):
    value = getattr(statistics, name)(data)
    print(f"{name}: {value:.1f}")
)")
                        .value());

  // Output can be had while it is produced.
  msb::RunOptions streamed;
  streamed.on_output = [](msb::Stream /*stream*/, std::string_view bytes) {
    std::printf("received %zu bytes\n", bytes.size());
  };
  show("streamed", python.run("for i in range(3): print('line', i)", streamed).value());

  // What runs too long is interrupted; when that does not help, its interpreter is replaced.
  msb::RunOptions limited;
  limited.timeout = std::chrono::milliseconds(300);
  show("endless loop", python.run("while True: pass", limited).value());
  show("alive", python.run("print('still here')").value());

  sandbox.stop().value();
  return 0;
} catch (const std::bad_expected_access<msb::Error>& failure) {
  std::fprintf(stderr, "%s\n", failure.error().message().c_str());
  return 1;
}
