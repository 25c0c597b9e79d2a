// SPDX-License-Identifier: Apache-2.0
//
// A running QEMU: its process, its monitor, what it prints, and the port to msb-guest. For the one
// thread of msb-vm.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/child_process.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "isolation/microvm/guest_messages.h"
#include "isolation/microvm/machine.h"
#include "isolation/microvm/qmp.h"
#include "wire/frame.h"

namespace msb::isolation::microvm {

class Emulator {
 public:
  using Clock = std::chrono::steady_clock;

  // The caller's descriptors of the same numbers as QEMU's (see QemuFd) are handed on: stream,
  // image, disk, and a clone's state.
  static Result<std::unique_ptr<Emulator>> start(const Machine& machine);
  Emulator(const Emulator&) = delete;
  Emulator& operator=(const Emulator&) = delete;

  // Makes the machine the template's; it goes on as soon as it is. What it is to find then, it has
  // been told before.
  Result<> load_state(Clock::time_point deadline);
  Result<> resume(Clock::time_point deadline);
  Result<> pause(Clock::time_point deadline);
  // Of a paused machine, into two files: everything but its memory, and that.
  Result<> save(int state, int memory, Clock::time_point deadline);

  Result<> tell(const ToGuest& message);
  // The next word of the guest, while none of `others` (-1: none) has something to read; nullopt:
  // one has. kUnavailable: QEMU has ended, and what it or the guest's kernel said last.
  Result<std::optional<FromGuest>> await_guest(std::optional<Clock::time_point> deadline,
                                               std::span<const int> others);

  bool is_paused() const { return paused_; }
  // How QEMU ended, if it has.
  std::optional<base::ExitStatus> ended() const { return ended_; }

 private:
  Emulator() = default;
  void listen_to_console();
  Result<> look_after_monitor();
  Error death();
  Result<> await_migration(Clock::time_point deadline);

  base::ChildProcess process_;
  base::UniqueFd memory_;  // unless it is a clone
  std::optional<base::ExitStatus> ended_;
  bool paused_ = false;
  base::UniqueFd console_;
  std::string last_words_;
  base::UniqueFd control_;
  wire::FrameReader reader_;
  std::unique_ptr<QmpClient> monitor_;
};

}  // namespace msb::isolation::microvm
