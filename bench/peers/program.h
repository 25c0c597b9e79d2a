// SPDX-License-Identifier: Apache-2.0
//
// Programs of others, started by us and timed from outside.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/child_process.h"
#include "base/unique_fd.h"
#include "bench/contest.h"

namespace msb::bench {

using Argv = std::vector<std::string>;  // [0] is an absolute path

// Runs it until it has printed `expected` and nothing else, and has ended well. Laps: to its
// first byte of output, and to its end; without output both are its end.
Result<Laps> run_program(const Argv& argv, std::string_view expected);

// Its output to the end, thrown away: the bytes.
Result<std::size_t> drain_program(const Argv& argv);

// A program that sits idle until this object goes, or this process does: it has printed "up", and
// ends when its stdin does.
class IdleProgram {
 public:
  static Result<IdleProgram> start(const Argv& argv);
  IdleProgram(IdleProgram&&) = default;
  ~IdleProgram();
  pid_t pid() const { return child_.pid(); }
  // Once somebody else has killed it.
  Result<> wait_for_the_end();

 private:
  IdleProgram() = default;
  base::UniqueFd stdin_;
  base::UniqueFd stdout_;
  base::ChildProcess child_;
};

// What the idle program of every peer is.
inline constexpr std::string_view kIdlePython =
    "import sys; print('up', flush=True); sys.stdin.read()";
inline constexpr std::string_view kHelloPython = "print('hi')";

}  // namespace msb::bench
