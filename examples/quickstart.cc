// SPDX-License-Identifier: Apache-2.0
//
// The quick start: Python and a command in a sandbox, and what they cost.
#include <cstdio>
#include <expected>

#include "msb/msb.h"

// value() of a Result that holds an error throws it, which is all the error handling this needs.
int main() try {
  msb::PythonSandbox sandbox;
  sandbox.start().value();

  const auto hello = sandbox.code().run("print('Hello World')").value();
  std::printf("%s\n", hello.output().c_str());

  const auto listing = sandbox.command().run("ls", {"-la"}).value();
  std::printf("%s\n", listing.output().c_str());

  const auto metrics = sandbox.metrics().all().value();
  std::printf("CPU %.1f %%, memory %lld MiB\n", metrics.cpu_percent,
              static_cast<long long>(metrics.memory_mib));
  return 0;  // the sandbox ends with its object
} catch (const std::bad_expected_access<msb::Error>& failure) {
  std::fprintf(stderr, "%s\n", failure.error().message().c_str());
  return 1;
}
