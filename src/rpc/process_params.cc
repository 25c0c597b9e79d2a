// SPDX-License-Identifier: Apache-2.0
#include "rpc/process_params.h"

#include <limits>

#include "rpc/fields.h"

namespace msb::rpc {
namespace {

Result<std::uint16_t> side(const Json& params, const char* field, std::uint16_t absent) {
  constexpr std::int64_t kMax = std::numeric_limits<std::uint16_t>::max();
  const std::optional<std::int64_t> value = TRY(integer(params, field, kMax, "u16"));
  return value ? static_cast<std::uint16_t>(*value) : absent;
}

Result<SpawnParams::Terminal> terminal_of(const Json& value) {
  SpawnParams::Terminal terminal;
  terminal.rows = TRY(side(value, "rows", terminal.rows));
  terminal.columns = TRY(side(value, "columns", terminal.columns));
  return terminal;
}

Result<ProcessParams> process_of(const Json& params) {
  ProcessParams process;
  process.target = TRY(decode_run_target(&params));
  process.process = TRY(required_text(params, "process"));
  return process;
}

}  // namespace

Result<SpawnParams> decode_spawn(const Json& params) {
  SpawnParams spawn;
  spawn.command = TRY(decode_command(params));
  if (find_present(params, "stdin_open") != nullptr) {
    spawn.stdin_open = TRY(flag(params, "stdin_open"));
  }
  if (const Json* terminal = find_present(params, "terminal")) {
    if (!terminal->is_object()) {
      return wrong_type(*terminal, "a map", "terminal");
    }
    spawn.terminal = TRY(terminal_of(*terminal));
  }
  return spawn;
}

Result<InputParams> decode_input(const Json& params) {
  InputParams input{TRY(process_of(params)), {}, false};
  input.data = TRY(bytes(params, "data"));
  input.end = TRY(flag(params, "end"));
  return input;
}

Result<SignalParams> decode_signal(const Json& params) {
  constexpr std::int64_t kMaxSignal = 64;
  SignalParams signal{TRY(process_of(params)), 0};
  const std::optional<std::int64_t> number = TRY(integer(params, "signal", kMaxSignal, "1..64"));
  signal.signal = static_cast<int>(number.value_or(0));
  return signal;
}

Result<ResizeParams> decode_resize(const Json& params) {
  return ResizeParams{TRY(process_of(params)), TRY(terminal_of(params))};
}

}  // namespace msb::rpc
