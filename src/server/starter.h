// SPDX-License-Identifier: Apache-2.0
//
// Who typed `msb server start --detach`, and waits to hear how it went.
//
//   shell ── waits for ──► parent ── fork ──► child, in a session of its own
//                             │◄── ready ───────┤  until then it writes to the shell's terminal
//                          exit 0               └─► serves
//                             │◄── end of file ── it could not start, and has said why
//                        its status
#pragma once

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::server {

class Starter {
 public:
  // Returns in the child; the parent ends here. Before the process has a second thread, and before
  // it has opened anything: all descriptors but the standard ones are closed.
  static Result<Starter> leave();

  // Lets it go. What went to the terminal must go elsewhere by now.
  void tell_ready();

 private:
  explicit Starter(base::UniqueFd pipe) : pipe_(std::move(pipe)) {}

  base::UniqueFd pipe_;
};

}  // namespace msb::server
