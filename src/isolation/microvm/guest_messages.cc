// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest_messages.h"

#include <utility>

#include "base/bytes.h"
#include "isolation/limits_fields.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation::microvm {
namespace {

using base::ByteReader;
using base::ByteWriter;

constexpr std::size_t kMaxHostnameBytes = 64;
constexpr std::size_t kUuidBytes = 36;

// Numbers of frames; not the agent's, whose frames never come this way.
enum Type : std::uint16_t {
  kSetUp = 1,
  kRenew = 2,
  kHalt = 3,
  kWoken = 4,
  kSettle = 5,
  kReady = 40,
  kRenewed = 41,
  kFailed = 42,
  kEnded = 43,
  kSettled = 44
};

std::vector<std::byte> frame_of(Type type, ByteWriter writer) {
  std::vector<std::byte> bytes;
  wire::append_frame(bytes, 0, static_cast<wire::FrameType>(type), std::move(writer).take());
  return bytes;
}

void write(ByteWriter& writer, const Identity& identity) {
  writer.u64(identity.nonce);
  writer.u64(static_cast<std::uint64_t>(identity.realtime_ns));
  writer.string(identity.entropy);
  writer.string(identity.hostname);
  writer.string(identity.boot_id);
}

Identity read_identity(ByteReader& reader) {
  Identity identity;
  identity.nonce = reader.u64();
  identity.realtime_ns = static_cast<std::int64_t>(reader.u64());
  identity.entropy = reader.string(kEntropyBytes);
  identity.hostname = reader.string(kMaxHostnameBytes);
  identity.boot_id = reader.string(kUuidBytes);
  if (identity.entropy.size() != kEntropyBytes || identity.boot_id.size() != kUuidBytes) {
    reader.reject();
  }
  return identity;
}

void write(ByteWriter& writer, const std::vector<GuestVolume>& volumes) {
  writer.u32(static_cast<std::uint32_t>(volumes.size()));
  for (const GuestVolume& volume : volumes) {
    writer.string(volume.guest_path);
    writer.u8(volume.is_folder ? 1 : 0);
    writer.u8(volume.read_only ? 1 : 0);
  }
}

std::vector<GuestVolume> read_volumes(ByteReader& reader) {
  const std::uint32_t count = reader.u32();
  std::vector<GuestVolume> volumes;
  if (count > warden::kMaxVolumes) {
    reader.reject();
    return volumes;
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    GuestVolume& volume = volumes.emplace_back();
    volume.guest_path = reader.string(warden::kMaxGuestPathBytes);
    volume.is_folder = reader.boolean();
    volume.read_only = reader.boolean();
  }
  return volumes;
}

std::unexpected<Error> unknown_type() {
  return fail(ErrorCode::kCorrupt, "control port: a message of an unknown type");
}

}  // namespace

std::vector<std::byte> encode(const ToGuest& message) {
  ByteWriter writer;
  if (const auto* set_up = std::get_if<SetUp>(&message)) {
    write(writer, set_up->identity);
    write_limits(writer, set_up->limits);
    write(writer, set_up->volumes);
    return frame_of(kSetUp, std::move(writer));
  }
  if (std::holds_alternative<Halt>(message)) {
    return frame_of(kHalt, std::move(writer));
  }
  if (std::holds_alternative<Settle>(message)) {
    return frame_of(kSettle, std::move(writer));
  }
  if (const auto* woken = std::get_if<Woken>(&message)) {
    writer.u64(static_cast<std::uint64_t>(woken->realtime_ns));
    return frame_of(kWoken, std::move(writer));
  }
  const Renew& renew = std::get<Renew>(message);
  write(writer, renew.identity);
  write(writer, renew.volumes);
  return frame_of(kRenew, std::move(writer));
}

std::vector<std::byte> encode(const FromGuest& message) {
  ByteWriter writer;
  if (const auto* renewed = std::get_if<Renewed>(&message)) {
    writer.u64(renewed->nonce);
    return frame_of(kRenewed, std::move(writer));
  }
  if (const auto* failed = std::get_if<Failed>(&message)) {
    writer.string(std::string_view(failed->text).substr(0, kMaxFailureBytes));
    return frame_of(kFailed, std::move(writer));
  }
  if (const auto* ended = std::get_if<Ended>(&message)) {
    writer.u8(ended->killed ? 1 : 0);
    writer.i32(ended->code);
    writer.u8(ended->out_of_memory ? 1 : 0);
    return frame_of(kEnded, std::move(writer));
  }
  if (std::holds_alternative<Settled>(message)) {
    return frame_of(kSettled, std::move(writer));
  }
  return frame_of(kReady, std::move(writer));
}

Result<ToGuest> decode_to_guest(const wire::Frame& frame) {
  ByteReader reader(frame.payload);
  switch (static_cast<Type>(frame.type)) {
    case kSetUp: {
      SetUp message{.identity = read_identity(reader),
                    .limits = read_limits(reader),
                    .volumes = read_volumes(reader)};
      TRY(reader.finish("set-up"));
      return message;
    }
    case kRenew: {
      Renew message{.identity = read_identity(reader), .volumes = read_volumes(reader)};
      TRY(reader.finish("renewal"));
      return message;
    }
    case kWoken: {
      const Woken message{.realtime_ns = static_cast<std::int64_t>(reader.u64())};
      TRY(reader.finish("waking"));
      return message;
    }
    case kSettle:
      TRY(reader.finish("settling"));
      return Settle{};
    case kHalt:
      TRY(reader.finish("halt"));
      return Halt{};
    default:
      return unknown_type();
  }
}

Result<FromGuest> decode_from_guest(const wire::Frame& frame) {
  ByteReader reader(frame.payload);
  switch (static_cast<Type>(frame.type)) {
    case kReady:
      TRY(reader.finish("readiness"));
      return Ready{};
    case kRenewed: {
      const Renewed message{.nonce = reader.u64()};
      TRY(reader.finish("renewal"));
      return message;
    }
    case kFailed: {
      Failed message{.text = reader.string(kMaxFailureBytes)};
      TRY(reader.finish("failure"));
      return message;
    }
    case kEnded: {
      const Ended message{
          .killed = reader.boolean(), .code = reader.i32(), .out_of_memory = reader.boolean()};
      TRY(reader.finish("end"));
      return message;
    }
    case kSettled:
      TRY(reader.finish("having settled"));
      return Settled{};
    default:
      return unknown_type();
  }
}

}  // namespace msb::isolation::microvm
