// SPDX-License-Identifier: Apache-2.0
//
// What the host's supervisor of a machine (msb-vm) and the machine's init (msb-guest) say to each
// other over a virtio-serial port of their own, beside the agent's stream. Frames of the agent's
// shape (wire/frame.h) with types of their own:
//
//   boot    host:   SetUp                  Halt         clone   host:   Renew
//           guest:         Ready | Failed         Ended         guest:         Renewed | Failed
//
//   paused, and let go on    host: Woken        about to be saved    host:  Settle
//                                                                    guest:        Settled
//
// The guest's end is hostile: every message is bounded and checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/try.h"
#include "isolation/sandbox_spec.h"
#include "wire/frame.h"

namespace msb::isolation::microvm {

// Names of the ports, as a guest finds them in /sys/class/virtio-ports.
inline constexpr const char* kAgentPort = "msb.agent";
inline constexpr const char* kControlPort = "msb.control";

// What it says on the console, where it has no port yet, begins with this.
inline constexpr const char* kGuestComplaint = "msb-guest: ";

inline constexpr std::size_t kEntropyBytes = 64;
inline constexpr std::size_t kMaxFailureBytes = 4096;

// What must not be the same in two machines, nor stand still while one sleeps.
struct Identity {
  std::uint64_t nonce = 0;  // told back by Renewed
  std::int64_t realtime_ns = 0;
  std::string entropy;  // kEntropyBytes, for the kernel's random numbers
  std::string hostname;
  std::string boot_id;  // a UUID, for /proc/sys/kernel/random/boot_id
};

// What is in the shared folder under the number that is its place in a list (shared_folder.h).
struct GuestVolume {
  std::string guest_path;
  bool is_folder = true;
  bool read_only = false;
};

// host -> guest: build the sandbox, and start the agent in it.
struct SetUp {
  Identity identity;
  Limits limits;
  std::vector<GuestVolume> volumes;
};

// host -> guest: you are a clone; be somebody else.
struct Renew {
  Identity identity;
  std::vector<GuestVolume> volumes;
};

// host -> guest: you have stood still; this is the time.
struct Woken {
  std::int64_t realtime_ns = 0;
};

// host -> guest: write now to your disk what you, and each of your clones, would write later.
struct Settle {};

// host -> guest: end the sandbox, and let go of its disk when all is written. Answered by Ended.
struct Halt {};

struct Ready {};

struct Renewed {
  std::uint64_t nonce = 0;
};

struct Settled {};

struct Failed {
  std::string text;
};

// The agent, and with it the sandbox; the machine is about to go.
struct Ended {
  bool killed = false;
  std::int32_t code = 0;  // exit status or signal
  bool out_of_memory = false;
};

using ToGuest = std::variant<SetUp, Renew, Woken, Settle, Halt>;
using FromGuest = std::variant<Ready, Renewed, Settled, Failed, Ended>;

// Whole frames.
std::vector<std::byte> encode(const ToGuest& message);
std::vector<std::byte> encode(const FromGuest& message);
// kCorrupt: not a message of the grammar.
Result<ToGuest> decode_to_guest(const wire::Frame& frame);
Result<FromGuest> decode_from_guest(const wire::Frame& frame);

}  // namespace msb::isolation::microvm
