// SPDX-License-Identifier: Apache-2.0
//
// The one folder of the host's that a guest can see: QEMU serves it (virtio-9p), and the sandbox's
// volumes are in it, by number. It is a device of every machine, mounted by those with volumes
// alone: a mounted one cannot be saved.
//
//   host   volume's folder ──idmapped mount──► /volumes/0 in QEMU's root
//   guest  9p mount ──part of it, read-only where the volume is──► the volume's place in the
//   sandbox
//
// 9p carries the ids that QEMU sees. So QEMU lives in a user namespace in which the owner of the
// volumes' files has the very number that the sandbox's user has in the guest's kernel, and is that
// owner itself: what a guest makes is the owner's, whoever made it there.
#pragma once

#include <cstdint>

#include "isolation/jail/id_map.h"

namespace msb::isolation::microvm {

inline constexpr const char* kShareTag = "volumes";
inline constexpr const char* kShareFolder = "/volumes";  // in QEMU's root, and in the guest's own

// The sandbox's ids in the guest's kernel, and QEMU's in its user namespace.
inline constexpr jail::IdRange kGuestRange = jail::range_of_slot(1);

}  // namespace msb::isolation::microvm
