// SPDX-License-Identifier: Apache-2.0
//
// JavaScript: the Node REPL with state, modules, promises and both consoles.
#include <cstdio>
#include <expected>

#include "msb/msb.h"

namespace {

void show(const msb::CodeExecution& execution) {
  std::printf("[%s] %s\n", execution.status().c_str(), execution.output().c_str());
  if (execution.has_error()) {
    std::printf("stderr: %s\n", execution.error().c_str());
  }
}

}  // namespace

int main() try {
  msb::NodeSandbox sandbox;
  sandbox.start().value();
  msb::CodeRunner node = sandbox.code();

  show(node.run("const name = 'Node'; console.log(`Hello from ${name} ${process.versions.node}`)")
           .value());
  show(node.run("console.error('this goes to stderr')").value());

  // What a run declares, later runs see.
  show(node.run("const squares = [1, 2, 3].map((n) => n ** 2)").value());
  show(node.run("squares").value());
  show(node.run("squares\n"
                "  .filter((n) => n > 1)\n"
                "  .reduce((sum, n) => sum + n, 0)")
           .value());

  show(node.run("const fs = require('fs');\n"
                "fs.writeFileSync('/tmp/data.json', JSON.stringify({ answer: 42 }));\n"
                "JSON.parse(fs.readFileSync('/tmp/data.json', 'utf8')).answer")
           .value());
  show(node.run("await new Promise((resolve) => setTimeout(() => resolve('waited'), 10))").value());
  show(node.run("throw new Error('boo')").value());
  return 0;
} catch (const std::bad_expected_access<msb::Error>& failure) {
  std::fprintf(stderr, "%s\n", failure.error().message().c_str());
  return 1;
}
