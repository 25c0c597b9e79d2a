// SPDX-License-Identifier: Apache-2.0
//
// A sandbox that is set up once, and copied with all that it holds: in a micro VM, each copy of
// which goes on by itself. (Where the host has no KVM it is emulated, and the first start takes
// seconds.)
#include <cstdio>
#include <expected>
#include <string>
#include <vector>

#include "msb/msb.h"

int main() try {
  msb::StartConfig config;
  config.isolation = "microvm";
  msb::PythonSandbox sandbox;
  sandbox.start(config).value();
  sandbox.code().run("import random\ncandidates = [n * n for n in range(10)]").value();

  std::vector<msb::PythonSandbox> copies = sandbox.fork(2).value();
  for (msb::PythonSandbox& copy : copies) {
    const auto pick =
        copy.code().run("candidates.pop(random.randrange(10)); len(candidates)").value();
    std::printf("a copy has %s candidates left\n",
                pick.output().substr(pick.output().rfind('\n') + 1).c_str());
  }
  const auto rest = sandbox.code().run("len(candidates)").value();
  std::printf("the original has %s\n", rest.output().c_str());

  // The same for later, and for other programs on this host.
  const std::string name = sandbox.snapshot("example-fork").value();
  sandbox.stop().value();
  auto restored = msb::PythonSandbox::from_snapshot(name).value();
  std::printf("restored: %s\n", restored.code().run("candidates[3]").value().output().c_str());
  return 0;
} catch (const std::bad_expected_access<msb::Error>& failure) {
  std::fprintf(stderr, "%s\n", failure.error().message().c_str());
  return 1;
}
