// SPDX-License-Identifier: Apache-2.0
//
// Parameters of sandbox.process.*: a command that is talked to while it runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/try.h"
#include "rpc/json.h"
#include "rpc/params.h"

namespace msb::rpc {

struct SpawnParams {
  CommandParams command;
  bool stdin_open = true;  // else /dev/null
  struct Terminal {
    std::uint16_t rows = 24;
    std::uint16_t columns = 80;
  };
  std::optional<Terminal> terminal;
};

// Of the running process that "process" names.
struct ProcessParams {
  Target target;
  std::string process;
};

struct InputParams : ProcessParams {
  std::string data;
  bool end = false;  // nothing follows
};

struct SignalParams : ProcessParams {
  int signal = 0;
};

struct ResizeParams : ProcessParams {
  SpawnParams::Terminal size;
};

Result<SpawnParams> decode_spawn(const Json& params);
Result<InputParams> decode_input(const Json& params);
Result<SignalParams> decode_signal(const Json& params);
Result<ResizeParams> decode_resize(const Json& params);

}  // namespace msb::rpc
