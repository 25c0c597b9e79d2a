// SPDX-License-Identifier: Apache-2.0
//
// A program that has sandboxes running when it is killed. Says "ready" and waits for its end.
#include <unistd.h>

#include <cstdio>
#include <vector>

#include "msb/msb.h"

int main() {
  std::vector<msb::PythonSandbox> sandboxes(3);
  msb::StartConfig config;
  config.ports = {"0:8000"};
  for (msb::PythonSandbox& sandbox : sandboxes) {
    if (const auto started = sandbox.start(config); !started) {
      std::fprintf(stderr, "%s\n", started.error().message().c_str());
      return 1;
    }
    (void)sandbox.code().run("import subprocess\np = subprocess.Popen(['sleep', '600'])");
  }
  std::puts("ready");
  std::fflush(stdout);
  ::pause();
}
