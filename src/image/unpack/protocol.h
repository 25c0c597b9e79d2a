// SPDX-License-Identifier: Apache-2.0
//
// What the store and msb-unpack agree on.
//
//   msb-unpack decompress SIZE             stdin: SIZE bytes of gzip, zstd or nothing special
//                                          stdout: the same, uncompressed
//   msb-unpack extract MAX_BYTES MAX_ENTRIES  stdin: a tar; kRootFd: the empty folder it goes to
//   msb-unpack pack MAX_BYTES MAX_ENTRIES  kRootFd: the folder of a writable layer
//                                          stdout: a tar of what is in its `upper`
//   msb-unpack remove                      kRootFd: the folder to empty
//
// kStatusFd gets one line before the program ends: "ok ENTRIES BYTES" or "error CODE TEXT", CODE a
// number of msb::ErrorCode, TEXT printable. Without such a line the program was killed or crashed.
// The reader trusts none of it beyond its use as a text: what decides is the digest of the bytes
// that passed, which the store computes itself.
#pragma once

#include <cstddef>
#include <cstdint>

namespace msb::image::unpack {

inline constexpr int kRootFd = 3;
inline constexpr int kStatusFd = 4;
inline constexpr std::size_t kMaxStatusBytes = 4096;

// Of a run. A layer of 32 GiB takes a few minutes; one that is made to take long (paths of links to
// links, a folder made and removed a million times) would take days.
inline constexpr std::uint64_t kMaxProcessorSeconds = 15 * 60;

// A container's id is stored on disk as this plus the id, when the store belongs to root.
inline constexpr std::uint32_t kStoreIdBase = 0x70000000;
inline constexpr std::uint32_t kStoreIdCount = 65536;

}  // namespace msb::image::unpack
