// SPDX-License-Identifier: Apache-2.0
#include "agent/repl/language.h"

#include "agent/repl/embedded_drivers.h"

namespace msb::agent::repl {
namespace {

// What the compiler does for most code: four fifths of the time of a first run.
constexpr const char* kPythonPractice = "print(*(lambda *a, b=1: [f'{x}' for x in a])('.'))";
constexpr const char* kNodePractice = "['.'].map((x) => `${x}`)";

}  // namespace

const LanguageSpec& spec_of(wire::Language language) {
  static const LanguageSpec python{.name = "Python",
                                   .programs = {"python3", "python"},
                                   .arguments = {"-u", "-c", kPythonBootstrap},
                                   .driver = kPythonDriver,
                                   .renewal = {},
                                   .practice = kPythonPractice,
                                   .pipes_per_run = true,
                                   .follows_chdir = true};
  static const LanguageSpec node{.name = "Node.js",
                                 .programs = {"node", "nodejs"},
                                 .arguments = {"-e", kNodeBootstrap, {}},
                                 .driver = kNodeDriver,
                                 .renewal = kNodeRenewal,
                                 .practice = kNodePractice,
                                 .pipes_per_run = false,
                                 // import() resolves against where the process began.
                                 .follows_chdir = false};
  return language == wire::Language::kPython ? python : node;
}

}  // namespace msb::agent::repl
