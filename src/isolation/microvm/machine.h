// SPDX-License-Identifier: Apache-2.0
//
// A machine as QEMU is told of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace msb::isolation::microvm {

enum class Accelerator : std::uint8_t {
  kKvm,
  kTcg,  // emulation
};

// Where the guest's memory is.
enum class Memory : std::uint8_t {
  kOwn,    // a file that nobody else has (guest_memory.h)
  kClone,  // a template's, mapped privately
};

struct Machine {
  Accelerator accelerator = Accelerator::kTcg;
  Memory memory = Memory::kOwn;
  std::uint32_t memory_mib = 512;
  std::uint32_t processors = 1;
};

// What a sandbox's memory limit is not about: the guest's kernel, and QEMU around it.
inline constexpr std::uint32_t kGuestKernelMib = 64;
inline constexpr std::uint32_t kQemuMib = 256;
// Nor is its limit on processors about QEMU's own threads, which work for all of the guest's.
inline constexpr double kQemuCpus = 0.1;

inline constexpr const char* kQemuPath = "/usr/bin/qemu-system-x86_64";
// In QEMU's own root; kernel and initramfs where it boots.
inline constexpr const char* kKernelFile = "/kernel";
inline constexpr const char* kInitramfsFile = "/initramfs";
inline constexpr const char* kMemoryFile = "/memory";
// A clone's QEMU: private_memory.c, late_trim.c.
inline constexpr const char* kPreloadName = "msb-clone-preload.so";
inline constexpr const char* kPreloadFile = "/clone-preload.so";

// Goes up with each change that a machine which was saved before it does not survive: of what it
// consists of, of how it is saved, of what is said to msb-guest.
inline constexpr int kMachineFormat = 2;

// Descriptors of QEMU's.
enum QemuFd {
  kStreamFd = 3,   // the agent's stream
  kControlFd = 4,  // msb-guest's
  kMonitorFd = 5,
  kImageFd = 6,  // read-only
  kDiskFd = 7,
  kStateFd = 8,    // of the template, to read; a clone's only
  kMemoryFd = 11,  // unless it is a clone
};

// QEMU's argv.
std::vector<std::string> qemu_arguments(const Machine& machine);

}  // namespace msb::isolation::microvm
