// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/protocol.h"

#include <algorithm>
#include <utility>

#include "base/errno_text.h"
#include "isolation/limits_fields.h"

namespace msb::isolation::warden {
namespace {

enum class Kind : std::uint8_t {
  kCreate = 1,
  kDestroy = 2,
  kSweep = 3,
  kAdjust = 4,
  kFreeze = 5,
  kCreated = 64,
  kDone = 65,
  kFailed = 66,
  kExited = 67,
};

using base::ByteReader;
using base::ByteWriter;

void write(ByteWriter& writer, const CreateRequest& create) {
  writer.u8(static_cast<std::uint8_t>(Kind::kCreate));
  writer.u32(create.request);
  writer.string(to_text(create.tier));
  writer.string(create.id);
  writer.string(create.name);
  writer.string(create.hostname);
  writer.strings(create.layers);
  writer.string(create.writable);
  write_limits(writer, create.limits);
  writer.u32(static_cast<std::uint32_t>(create.volumes.size()));
  for (const VolumeEntry& volume : create.volumes) {
    writer.string(volume.guest_path);
    writer.u8(volume.read_only ? 1 : 0);
  }
  writer.u32(create.volume_uid);
  writer.u32(create.volume_gid);
  writer.u8(create.is_spare ? 1 : 0);
  writer.u8(create.machine ? 1 : 0);
  if (create.machine) {
    writer.string(create.machine->image_digest);
    writer.u8(static_cast<std::uint8_t>(create.machine->begin));
    writer.string(create.machine->template_folder);
  }
}

void write(ByteWriter& writer, const AdjustRequest& adjust) {
  writer.u8(static_cast<std::uint8_t>(Kind::kAdjust));
  writer.u32(adjust.request);
  writer.string(adjust.id);
  writer.string(adjust.hostname);
  write_limits(writer, adjust.limits);
}

void write(ByteWriter& writer, const FreezeRequest& freeze) {
  writer.u8(static_cast<std::uint8_t>(Kind::kFreeze));
  writer.u32(freeze.request);
  writer.string(freeze.id);
  writer.u8(freeze.motion == Motion::kFrozen ? 1 : 0);
}

void write(ByteWriter& writer, const DestroyRequest& destroy) {
  writer.u8(static_cast<std::uint8_t>(Kind::kDestroy));
  writer.u32(destroy.request);
  writer.string(destroy.id);
}

void write(ByteWriter& writer, const SweepRequest& sweep) {
  writer.u8(static_cast<std::uint8_t>(Kind::kSweep));
  writer.u32(sweep.request);
}

void write(ByteWriter& writer, const CreatedReply& created) {
  writer.u8(static_cast<std::uint8_t>(Kind::kCreated));
  writer.u32(created.request);
  writer.u8(created.gauges);
  writer.u8(created.cgroup_v2 ? 1 : 0);
  writer.u8(created.disk_limited ? 1 : 0);
  writer.strings(created.weaknesses);
}

void write(ByteWriter& writer, const DoneReply& done) {
  writer.u8(static_cast<std::uint8_t>(Kind::kDone));
  writer.u32(done.request);
}

void write(ByteWriter& writer, const FailedReply& failed) {
  writer.u8(static_cast<std::uint8_t>(Kind::kFailed));
  writer.u32(failed.request);
  write_error(writer, failed.error);
}

void write(ByteWriter& writer, const Exited& exited) {
  writer.u8(static_cast<std::uint8_t>(Kind::kExited));
  writer.string(exited.exit.id);
  writer.u8(static_cast<std::uint8_t>(exited.exit.cause));
  writer.i32(exited.exit.code);
  writer.u8(exited.exit.out_of_memory ? 1 : 0);
  writer.string(exited.exit.complaint);
}

std::optional<MachineEntry> read_machine(ByteReader& reader) {
  if (!reader.boolean()) {
    return std::nullopt;
  }
  MachineEntry machine;
  machine.image_digest = reader.string(kImageDigestBytes);
  const std::uint8_t begin = reader.u8();
  if (begin > static_cast<std::uint8_t>(MachineSpec::Begin::kClone)) {
    reader.reject();
  }
  machine.begin = static_cast<MachineSpec::Begin>(begin);
  machine.template_folder = reader.string(kMaxHomePathBytes);
  return machine;
}

AdjustRequest read_adjust(ByteReader& reader) {
  AdjustRequest adjust;
  adjust.request = reader.u32();
  adjust.id = reader.string(kMaxNameBytes);
  adjust.hostname = reader.string(kMaxNameBytes);
  adjust.limits = read_limits(reader);
  return adjust;
}

FreezeRequest read_freeze(ByteReader& reader) {
  FreezeRequest freeze;
  freeze.request = reader.u32();
  freeze.id = reader.string(kMaxNameBytes);
  freeze.motion = reader.boolean() ? Motion::kFrozen : Motion::kFree;
  return freeze;
}

Tier read_tier(ByteReader& reader) {
  auto tier = parse_tier(reader.string(kMaxTierBytes));
  if (!tier) {
    reader.reject();
    return {};
  }
  return *std::move(tier);
}

CreateRequest read_create(ByteReader& reader) {
  CreateRequest create;
  create.request = reader.u32();
  create.tier = read_tier(reader);
  create.id = reader.string(kMaxNameBytes);
  create.name = reader.string(kMaxNameBytes);
  create.hostname = reader.string(kMaxNameBytes);
  create.layers = reader.strings(kMaxLayers, kMaxHomePathBytes);
  create.writable = reader.string(kMaxHomePathBytes);
  create.limits = read_limits(reader);
  const std::uint32_t volume_count = reader.u32();
  if (volume_count > kMaxVolumes) {
    reader.reject();
    return create;
  }
  for (std::uint32_t i = 0; i < volume_count; ++i) {
    VolumeEntry& volume = create.volumes.emplace_back();
    volume.guest_path = reader.string(kMaxGuestPathBytes);
    volume.read_only = reader.boolean();
  }
  create.volume_uid = reader.u32();
  create.volume_gid = reader.u32();
  create.is_spare = reader.boolean();
  create.machine = read_machine(reader);
  return create;
}

CreatedReply read_created(ByteReader& reader) {
  CreatedReply created;
  created.request = reader.u32();
  created.gauges = reader.u8();
  created.cgroup_v2 = reader.boolean();
  created.disk_limited = reader.boolean();
  created.weaknesses = reader.strings(kMaxWeaknesses, kMaxErrorTextBytes);
  return created;
}

Exited read_exited(ByteReader& reader) {
  Exited exited;
  exited.exit.id = reader.string(kIdBytes);
  const std::uint8_t cause = reader.u8();
  if (cause > static_cast<std::uint8_t>(SandboxExit::Cause::kWardenGone)) {
    reader.reject();
  }
  exited.exit.cause = static_cast<SandboxExit::Cause>(cause);
  exited.exit.code = reader.i32();
  exited.exit.out_of_memory = reader.boolean();
  exited.exit.complaint = reader.string(kMaxComplaintBytes);
  return exited;
}

Result<> rule(bool holds, std::string_view field, const std::string& value, std::string_view must) {
  if (holds) {
    return {};
  }
  return fail(ErrorCode::kInvalidArgument,
              std::string(field) + " '" + value + "': " + std::string(must));
}

bool is_hexadecimal(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_host_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kMaxHostnameBytes && std::ranges::all_of(text, allowed);
}

// Relative, without the components that openat2(RESOLVE_BENEATH) would refuse later.
bool is_beneath(std::string_view path) {
  if (path.empty() || path.front() == '/' || path.contains('\0')) {
    return false;
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == "..") {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

// The places a sandbox is built from; a volume there would undo what the jail promises.
bool is_reserved(std::string_view guest_path) {
  constexpr std::string_view kReserved[] = {"/proc", "/sys", "/dev"};
  return std::ranges::any_of(kReserved, [guest_path](std::string_view reserved) {
    return guest_path == reserved ||
           (guest_path.starts_with(reserved) && guest_path[reserved.size()] == '/');
  });
}

Result<> validate_identity(const std::string& id, const std::string& hostname) {
  TRY(rule(is_id(id), "id", id, "must be 16 hexadecimal digits"));
  return rule(is_host_name(hostname), "hostname", hostname,
              "must be 1 to 63 letters, digits, '-', '_' or '.'");
}

Result<> validate_limits(const Limits& limits) {
  constexpr std::uint64_t kMiB = 1ull << 20;
  TRY(rule(limits.memory_bytes >= 8 * kMiB && limits.memory_bytes <= (1ull << 44), "memory_bytes",
           std::to_string(limits.memory_bytes), "must be from 8 MiB to 16 TiB"));
  // Written so that NaN fails.
  TRY(rule(limits.cpus >= 0.01 && limits.cpus <= 4096, "cpus", std::to_string(limits.cpus),
           "must be from 0.01 to 4096"));
  TRY(rule(limits.max_processes >= 4 && limits.max_processes <= (1u << 22), "max_processes",
           std::to_string(limits.max_processes), "must be from 4 to 4194304"));
  return rule(limits.disk_bytes >= 16 * kMiB && limits.disk_bytes <= (1ull << 44), "disk_bytes",
              std::to_string(limits.disk_bytes), "must be from 16 MiB to 16 TiB");
}

Result<> validate_machine(const MachineEntry& machine) {
  TRY(rule(machine.image_digest.size() == kImageDigestBytes && is_hexadecimal(machine.image_digest),
           "image_digest", machine.image_digest, "must be 64 hexadecimal digits"));
  const std::string& folder = machine.template_folder;
  if (machine.begin == MachineSpec::Begin::kBoot) {
    return rule(folder.empty(), "template", folder, "a machine that boots has none");
  }
  constexpr const char* kPlaces[] = {kMachineTemplates, kMachineSnapshots, kMachineMoments};
  const bool is_there = std::ranges::any_of(
      kPlaces, [&](const char* place) { return folder.starts_with(std::string(place) + "/"); });
  return rule(is_beneath(folder) && is_there, "template", folder,
              "must be a path beneath templates, snapshots or moments in $MSB_HOME/machines");
}

}  // namespace

bool is_id(std::string_view text) {
  return text.size() == kIdBytes && is_hexadecimal(text);
}

std::vector<std::byte> encode(const Request& request) {
  ByteWriter writer;
  std::visit([&](const auto& message) { write(writer, message); }, request);
  return std::move(writer).take();
}

std::vector<std::byte> encode(const Reply& reply) {
  ByteWriter writer;
  std::visit([&](const auto& message) { write(writer, message); }, reply);
  return std::move(writer).take();
}

Result<Request> decode_request(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  Request request;
  switch (static_cast<Kind>(reader.u8())) {
    case Kind::kCreate:
      request = read_create(reader);
      break;
    case Kind::kAdjust:
      request = read_adjust(reader);
      break;
    case Kind::kFreeze:
      request = read_freeze(reader);
      break;
    case Kind::kDestroy: {
      DestroyRequest destroy;
      destroy.request = reader.u32();
      destroy.id = reader.string(kMaxNameBytes);
      request = std::move(destroy);
      break;
    }
    case Kind::kSweep:
      request = SweepRequest{reader.u32()};
      break;
    default:
      reader.reject();
  }
  TRY(reader.finish("request to the warden"));
  return request;
}

Result<Reply> decode_reply(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  Reply reply;
  switch (static_cast<Kind>(reader.u8())) {
    case Kind::kCreated:
      reply = read_created(reader);
      break;
    case Kind::kDone:
      reply = DoneReply{reader.u32()};
      break;
    case Kind::kFailed: {
      FailedReply failed;
      failed.request = reader.u32();
      failed.error = read_error(reader);
      reply = std::move(failed);
      break;
    }
    case Kind::kExited:
      reply = read_exited(reader);
      break;
    default:
      reader.reject();
  }
  TRY(reader.finish("reply of the warden"));
  return reply;
}

Result<> validate(const AdjustRequest& request) {
  TRY(validate_identity(request.id, request.hostname));
  return validate_limits(request.limits);
}

Result<> validate(const CreateRequest& request, std::size_t volume_fd_count) {
  TRY(validate_identity(request.id, request.hostname));
  TRY(rule(!request.layers.empty(), "layers", "", "there must be at least one"));
  for (const std::string& layer : request.layers) {
    TRY(rule(is_beneath(layer) && layer.starts_with("layers/"), "layer", layer,
             "must be a path beneath $MSB_HOME/layers"));
  }
  TRY(rule(is_beneath(request.writable) &&
               (request.writable.starts_with("sandboxes/") || request.writable.starts_with("run/")),
           "writable_path", request.writable,
           "must be a path beneath $MSB_HOME/sandboxes or $MSB_HOME/run"));
  TRY(validate_limits(request.limits));
  for (const VolumeEntry& volume : request.volumes) {
    const std::string& path = volume.guest_path;
    TRY(rule(path.size() > 1 && path.front() == '/' && is_beneath(std::string_view(path).substr(1)),
             "volume", path, "must be an absolute path without '.' or '..', and not '/'"));
    TRY(rule(!is_reserved(path), "volume", path, "/proc, /sys and /dev belong to the sandbox"));
  }
  TRY(rule(request.volumes.size() == volume_fd_count, "volumes",
           std::to_string(request.volumes.size()), "each needs one descriptor"));
  TRY(rule(request.machine.has_value() == request.tier.is_machine(), "tier", to_text(request.tier),
           "a machine, and nothing else, is described as one"));
  if (request.machine) {
    TRY(validate_machine(*request.machine));
  }
  TRY(rule(request.volume_uid < 65536, "volume_uid", std::to_string(request.volume_uid),
           "must be below 65536"));
  return rule(request.volume_gid < 65536, "volume_gid", std::to_string(request.volume_gid),
              "must be below 65536");
}

void write_error(ByteWriter& writer, const Error& error) {
  writer.i32(error.sys_errno());
  const std::size_t count = std::min(error.layers().size(), kMaxErrorLayers);
  writer.u32(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    // The cause is always kept, also of a chain that is too long.
    const Error::Layer& layer = i + 1 == count ? error.layers().back() : error.layers()[i];
    std::string_view text = layer.text;
    if (i + 1 == count && error.sys_errno() != 0) {
      // Error's constructor puts the description of errno there again.
      const std::string suffix = base::errno_suffix(error.sys_errno());
      if (text.ends_with(suffix)) {
        text.remove_suffix(suffix.size());
      }
    }
    writer.u16(static_cast<std::uint16_t>(layer.code));
    writer.string(text.substr(0, kMaxErrorTextBytes));
  }
}

Error read_error(ByteReader& reader) {
  const int sys_errno = reader.i32();
  const std::uint32_t count = reader.u32();
  std::vector<Error::Layer> layers;
  if (count == 0 || count > kMaxErrorLayers) {
    reader.reject();
    return {ErrorCode::kInternal, {}};
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto code = static_cast<ErrorCode>(reader.u16());
    layers.push_back({code, reader.string(kMaxErrorTextBytes)});
  }
  Error error(layers.back().code, std::move(layers.back().text), sys_errno);
  for (std::size_t i = layers.size() - 1; i-- > 0;) {
    error = std::move(error).wrap(layers[i].code, std::move(layers[i].text));
  }
  return error;
}

}  // namespace msb::isolation::warden
