// SPDX-License-Identifier: Apache-2.0
//
// What a user's program looks like: nothing but the installed headers.
#include <msb/msb.h>

#include <iostream>

int main() {
  msb::PythonSandbox sandbox;
  if (const auto started = sandbox.start(); !started) {
    std::cerr << started.error().message() << '\n';
    return 1;
  }
  const auto run = sandbox.code().run("print(6 * 7)");
  std::cout << (run ? run->output() : run.error().message()) << '\n';
  return run && run->output() == "42" ? 0 : 1;
}
