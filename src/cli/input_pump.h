// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <thread>

#include "base/unique_fd.h"
#include "msb/result.h"
#include "msb/sandbox.h"

namespace msb::cli {

// Passes our stdin on to a command in a thread of its own, as fast as the command reads it, then
// closes the command's stdin. The process must outlive the pump, and must have ended (or be about
// to) when the pump is destroyed: a write that waits for it returns only then.
class InputPump {
 public:
  static Result<std::unique_ptr<InputPump>> start(Process& process);
  ~InputPump();
  InputPump(const InputPump&) = delete;
  InputPump& operator=(const InputPump&) = delete;

 private:
  InputPump(Process& process, base::UniqueFd wake);
  void run();

  Process& process_;
  base::UniqueFd wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace msb::cli
