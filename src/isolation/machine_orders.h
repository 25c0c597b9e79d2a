// SPDX-License-Identifier: Apache-2.0
//
// What an engine can have the supervisor of a machine do (StartedSandbox::orders). One order at a
// time, which is answered before the next is given.
#pragma once

#include <cstdint>
#include <string>

#include "base/try.h"
#include "isolation/sandbox_spec.h"

namespace msb::isolation {

// An order is one byte, what text it takes, and the descriptors that go with it.
enum class MachineOrder : std::uint8_t {
  kSave = 1,    // with two files: state and memory
  kPause = 2,   // the machine stands still
  kResume = 3,  // it goes on, with the right time
  kRename = 4,  // with a host name: it is somebody else from now on
  kSettle = 5,  // it writes now what each of its clones would write
};

// Before it is saved, for many clones: its disk has all that was written, so that not each of them
// writes it. Takes as long as that takes.
Result<> settle_machine(int orders);

// Pauses the machine, and writes its state and its memory into files that are empty; both belong to
// its disk as it is until move_machine() lets it go on. QEMU refuses one that has volumes.
Result<> save_machine(int orders, int state, int memory);

// Stops the machine where it stands, or lets it go on; its clocks stand still meanwhile, and that
// of the day is set when it goes on. As often as one likes.
Result<> move_machine(int orders, Motion motion);

// Gives a machine that goes on what a clone is given when it wakes: another host name, other random
// numbers, the right time.
Result<> rename_machine(int orders, const std::string& hostname);

}  // namespace msb::isolation
