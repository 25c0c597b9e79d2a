// SPDX-License-Identifier: Apache-2.0
#include "wire/messages.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"

namespace msb::wire {
namespace {

using base::ByteReader;
using base::ByteWriter;

template <typename Enum>
Enum bounded(ByteReader& reader, std::uint8_t value, Enum last) {
  if (value > static_cast<std::uint8_t>(last)) {
    reader.reject();
    return Enum{};
  }
  return static_cast<Enum>(value);
}

Language language(ByteReader& reader) {
  const std::uint8_t value = reader.u8();
  if (value != static_cast<std::uint8_t>(Language::kPython) &&
      value != static_cast<std::uint8_t>(Language::kNode)) {
    reader.reject();
  }
  return static_cast<Language>(value);
}

void write(ByteWriter& writer, const Configure& settings) {
  writer.strings(settings.env);
  writer.string(settings.workdir);
  writer.string(settings.user);
  writer.u8(settings.counts_limits ? 1 : 0);
}

Configure read_settings(ByteReader& reader) {
  Configure settings;
  settings.env = reader.strings(kMaxStrings, kMaxStringBytes);
  settings.workdir = reader.string(kMaxPathBytes);
  settings.user = reader.string(kMaxNameBytes);
  settings.counts_limits = reader.boolean();
  return settings;
}

}  // namespace

std::vector<std::byte> Hello::encode() const {
  ByteWriter writer;
  writer.u16(version);
  writer.string(instance_id);
  return std::move(writer).take();
}

Result<Hello> Hello::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Hello message;
  message.version = reader.u16();
  message.instance_id = reader.string(kMaxNameBytes);
  TRY(reader.finish("hello"));
  return message;
}

std::vector<std::byte> HelloReply::encode() const {
  ByteWriter writer;
  writer.u16(version);
  writer.string(instance_id);
  return std::move(writer).take();
}

Result<HelloReply> HelloReply::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  HelloReply message;
  message.version = reader.u16();
  message.instance_id = reader.string(kMaxNameBytes);
  TRY(reader.finish("hello reply"));
  return message;
}

std::vector<std::byte> Configure::encode() const {
  ByteWriter writer;
  write(writer, *this);
  return std::move(writer).take();
}

Result<Configure> Configure::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Configure message = read_settings(reader);
  TRY(reader.finish("configuration"));
  return message;
}

std::vector<std::byte> Adopt::encode() const {
  ByteWriter writer;
  write(writer, settings);
  writer.u8(is_rehearsal ? 1 : 0);
  return std::move(writer).take();
}

Result<Adopt> Adopt::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Adopt message;
  message.settings = read_settings(reader);
  message.is_rehearsal = reader.boolean();
  TRY(reader.finish("settings to adopt"));
  return message;
}

std::vector<std::byte> WriteFile::encode() const {
  ByteWriter writer;
  writer.string(path);
  writer.u32(mode);
  writer.string(owner);
  writer.string(content);
  writer.u8(in_place ? 1 : 0);
  return std::move(writer).take();
}

Result<WriteFile> WriteFile::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  WriteFile message;
  message.path = reader.string(kMaxPathBytes);
  message.mode = reader.u32();
  message.owner = reader.string(kMaxNameBytes);
  message.content = reader.string(kMaxPayloadBytes);
  message.in_place = reader.boolean();
  TRY(reader.finish("file to write"));
  return message;
}

std::vector<std::byte> Exec::encode() const {
  ByteWriter writer;
  writer.strings(argv);
  writer.strings(env);
  writer.string(workdir);
  writer.string(user);
  writer.u32(flags);
  writer.u16(rows);
  writer.u16(columns);
  writer.u64(timeout_ms);
  return std::move(writer).take();
}

Result<Exec> Exec::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Exec message;
  message.argv = reader.strings(kMaxStrings, kMaxStringBytes);
  message.env = reader.strings(kMaxStrings, kMaxStringBytes);
  message.workdir = reader.string(kMaxPathBytes);
  message.user = reader.string(kMaxNameBytes);
  message.flags = reader.u32();
  message.rows = reader.u16();
  message.columns = reader.u16();
  message.timeout_ms = reader.u64();
  if (message.argv.empty() || message.argv.front().empty() ||
      (message.flags & ~(kTerminal | kStdin)) != 0) {
    reader.reject();
  }
  TRY(reader.finish("exec request"));
  return message;
}

std::vector<std::byte> Repl::encode() const {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(language));
  writer.u64(timeout_ms);
  writer.u8(is_practice ? 1 : 0);
  return std::move(writer).take();
}

Result<Repl> Repl::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Repl message;
  message.language = wire::language(reader);
  message.timeout_ms = reader.u64();
  message.is_practice = reader.boolean();
  TRY(reader.finish("REPL request"));
  return message;
}

std::vector<std::byte> WarmRepl::encode() const {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(language));
  return std::move(writer).take();
}

Result<WarmRepl> WarmRepl::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  WarmRepl message;
  message.language = wire::language(reader);
  TRY(reader.finish("REPL warm-up"));
  return message;
}

std::vector<std::byte> Signal::encode() const {
  ByteWriter writer;
  writer.i32(number);
  return std::move(writer).take();
}

Result<Signal> Signal::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Signal message;
  message.number = reader.i32();
  if (message.number < 1 || message.number > 64) {
    reader.reject();
  }
  TRY(reader.finish("signal"));
  return message;
}

std::vector<std::byte> Resize::encode() const {
  ByteWriter writer;
  writer.u16(rows);
  writer.u16(columns);
  return std::move(writer).take();
}

Result<Resize> Resize::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Resize message;
  message.rows = reader.u16();
  message.columns = reader.u16();
  TRY(reader.finish("terminal size"));
  return message;
}

std::vector<std::byte> Connect::encode() const {
  ByteWriter writer;
  writer.u16(port);
  return std::move(writer).take();
}

Result<Connect> Connect::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Connect message;
  message.port = reader.u16();
  if (message.port == 0) {
    reader.reject();
  }
  TRY(reader.finish("connection request"));
  return message;
}

std::vector<std::byte> Credit::encode() const {
  ByteWriter writer;
  writer.u32(size_bytes);
  return std::move(writer).take();
}

Result<Credit> Credit::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Credit message;
  message.size_bytes = reader.u32();
  TRY(reader.finish("credit"));
  return message;
}

std::vector<std::byte> Failed::encode() const {
  ByteWriter writer;
  writer.u16(static_cast<std::uint16_t>(code));
  writer.i32(sys_errno);
  // The receiver refuses longer texts; an error must not become another error.
  writer.string(std::string_view(text).substr(0, kMaxErrorTextBytes));
  return std::move(writer).take();
}

Result<Failed> Failed::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Failed message;
  message.code = static_cast<ErrorCode>(reader.u16());
  message.sys_errno = reader.i32();
  message.text = reader.string(kMaxErrorTextBytes);
  TRY(reader.finish("failure"));
  return message;
}

std::vector<std::byte> Started::encode() const {
  ByteWriter writer;
  writer.u32(pid);
  return std::move(writer).take();
}

Result<Started> Started::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Started message;
  message.pid = reader.u32();
  TRY(reader.finish("start report"));
  return message;
}

std::vector<std::byte> Exited::encode() const {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(cause));
  writer.i32(code);
  writer.u8(static_cast<std::uint8_t>(ended));
  return std::move(writer).take();
}

Result<Exited> Exited::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Exited message;
  message.cause = bounded(reader, reader.u8(), Cause::kSignal);
  message.code = reader.i32();
  message.ended = bounded(reader, reader.u8(), Ended::kCancelled);
  TRY(reader.finish("exit report"));
  return message;
}

std::vector<std::byte> ReplDone::encode() const {
  ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(status));
  writer.i32(code);
  writer.u8(state_lost ? 1 : 0);
  return std::move(writer).take();
}

Result<ReplDone> ReplDone::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  ReplDone message;
  message.status = bounded(reader, reader.u8(), Status::kDied);
  message.code = reader.i32();
  message.state_lost = reader.boolean();
  TRY(reader.finish("end of run"));
  return message;
}

std::vector<std::byte> Measured::encode() const {
  ByteWriter writer;
  writer.u64(memory_bytes);
  writer.u64(disk_used_bytes);
  return std::move(writer).take();
}

Result<Measured> Measured::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  Measured message;
  message.memory_bytes = reader.u64();
  message.disk_used_bytes = reader.u64();
  TRY(reader.finish("measurement"));
  return message;
}

std::vector<std::byte> LimitsMet::encode() const {
  ByteWriter writer;
  for (const std::uint64_t number : {oom_kills, refused_forks, disk_free_bytes, disk_free_inodes}) {
    writer.u64(number);
  }
  return std::move(writer).take();
}

Result<LimitsMet> LimitsMet::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  LimitsMet message;
  for (std::uint64_t* number : {&message.oom_kills, &message.refused_forks,
                                &message.disk_free_bytes, &message.disk_free_inodes}) {
    *number = reader.u64();
  }
  TRY(reader.finish("report of limits"));
  return message;
}

std::vector<std::byte> OutputCut::encode() const {
  ByteWriter writer;
  writer.u64(dropped_bytes);
  return std::move(writer).take();
}

Result<OutputCut> OutputCut::decode(std::span<const std::byte> payload) {
  ByteReader reader(payload);
  OutputCut message;
  message.dropped_bytes = reader.u64();
  TRY(reader.finish("output report"));
  return message;
}

}  // namespace msb::wire
