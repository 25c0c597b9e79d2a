// SPDX-License-Identifier: Apache-2.0
//
// What an engine and its warden say to each other: one SOCK_SEQPACKET message each, a closed set of
// kinds, every length and count bounded. The engine numbers its requests; a reply carries the
// number of its request, Exited comes unasked.
//
//   engine                        warden
//   CreateRequest + volume fds ─►
//                              ◄─ CreatedReply + stream and gauge fds, or FailedReply
//   AdjustRequest             ─►
//                              ◄─ DoneReply, or FailedReply
//   FreezeRequest             ─►
//                              ◄─ DoneReply, or FailedReply
//   DestroyRequest            ─►
//                              ◄─ Exited, then DoneReply
//   SweepRequest              ─►
//                              ◄─ DoneReply
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/try.h"
#include "isolation/sandbox_spec.h"
#include "isolation/warden_client.h"

namespace msb::isolation::warden {

inline constexpr std::size_t kMaxMessageBytes = 128 * 1024;
inline constexpr std::size_t kIdBytes = 16;
inline constexpr std::size_t kMaxTierBytes = 64;
inline constexpr std::size_t kMaxNameBytes = 128;
inline constexpr std::size_t kMaxHostnameBytes = 63;
inline constexpr std::size_t kImageDigestBytes = 64;
inline constexpr std::size_t kMaxLayers = 128;
inline constexpr std::size_t kMaxHomePathBytes = 512;  // of a path beneath $MSB_HOME
inline constexpr std::size_t kMaxVolumes = 32;         // a message carries 64 descriptors at most
inline constexpr std::size_t kMaxGuestPathBytes = 1024;
inline constexpr std::size_t kMaxErrorLayers = 16;
inline constexpr std::size_t kMaxErrorTextBytes = 4096;
inline constexpr std::size_t kMaxWeaknesses = 16;
inline constexpr std::size_t kMaxComplaintBytes = 1024;

struct VolumeEntry {
  std::string guest_path;
  bool read_only = false;
};

// MachineSpec with a path relative to $MSB_HOME.
struct MachineEntry {
  std::string image_digest;
  MachineSpec::Begin begin = MachineSpec::Begin::kBoot;
  std::string template_folder;
};

// SandboxSpec with paths relative to $MSB_HOME; the volumes' descriptors travel beside it, in
// order.
struct CreateRequest {
  std::uint32_t request = 0;
  Tier tier;
  std::string id;
  std::string name;
  std::string hostname;
  std::vector<std::string> layers;
  std::string writable;
  Limits limits;
  std::vector<VolumeEntry> volumes;
  std::uint32_t volume_uid = 0;
  std::uint32_t volume_gid = 0;
  bool is_spare = false;
  std::optional<MachineEntry> machine;
};

// For a sandbox that was made as a spare, once.
struct AdjustRequest {
  std::uint32_t request = 0;
  std::string id;
  std::string hostname;
  Limits limits;
};

// Answered when nothing of it runs any more, or when it may run again.
struct FreezeRequest {
  std::uint32_t request = 0;
  std::string id;
  Motion motion = Motion::kFrozen;
};

struct DestroyRequest {
  std::uint32_t request = 0;
  std::string id;
};

struct SweepRequest {
  std::uint32_t request = 0;
};

using Request =
    std::variant<CreateRequest, AdjustRequest, FreezeRequest, DestroyRequest, SweepRequest>;

// Gauges that travel with a CreatedReply, after the stream, in the order of the bits.
enum GaugeBit : std::uint8_t {
  kMemoryCurrent = 1,
  kMemoryStat = 2,
  kMemoryEvents = 4,
  kCpuUsage = 8,
  kPidsEvents = 16,
  kWritableLayer = 32,
  kOrders = 64,  // no gauge: a machine's supervisor
};

struct CreatedReply {
  std::uint32_t request = 0;
  std::uint8_t gauges = 0;  // GaugeBit set
  bool cgroup_v2 = false;
  bool disk_limited = false;
  std::vector<std::string> weaknesses;
};

struct DoneReply {
  std::uint32_t request = 0;
};

struct FailedReply {
  std::uint32_t request = 0;
  Error error{ErrorCode::kInternal, {}};
};

struct Exited {
  SandboxExit exit;
};

using Reply = std::variant<CreatedReply, DoneReply, FailedReply, Exited>;

std::vector<std::byte> encode(const Request& request);
std::vector<std::byte> encode(const Reply& reply);

// kCorrupt: not a message of the grammar (the peer is broken). Field rules that a caller can
// violate are checked by validate(), so that they can be answered.
Result<Request> decode_request(std::span<const std::byte> bytes);
Result<Reply> decode_reply(std::span<const std::byte> bytes);

// The rules a jail's safety rests on; kInvalidArgument names field, value and rule.
Result<> validate(const CreateRequest& request, std::size_t volume_fd_count);
Result<> validate(const AdjustRequest& request);

// [0-9a-f]{16}
bool is_id(std::string_view text);

// An Error as bytes, its chain and errno kept.
void write_error(base::ByteWriter& writer, const Error& error);
Error read_error(base::ByteReader& reader);

}  // namespace msb::isolation::warden
