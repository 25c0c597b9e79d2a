// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/status_report.h"

#include <utility>

#include "base/bytes.h"
#include "isolation/warden/protocol.h"

namespace msb::isolation::jail {

std::vector<std::byte> StatusReport::encode() const {
  base::ByteWriter writer;
  writer.u8(static_cast<std::uint8_t>(kind));
  if (kind == Kind::kReady) {
    writer.u8(disk_limited ? 1 : 0);
    writer.strings(weaknesses);
  } else {
    warden::write_error(writer, error);
  }
  return std::move(writer).take();
}

Result<StatusReport> StatusReport::decode(std::span<const std::byte> bytes) {
  base::ByteReader reader(bytes);
  StatusReport report;
  switch (static_cast<Kind>(reader.u8())) {
    case Kind::kReady:
      report.disk_limited = reader.u8() != 0;
      report.weaknesses =
          reader.strings(warden::kMaxWeaknesses + warden::kMaxVolumes, warden::kMaxErrorTextBytes);
      break;
    case Kind::kFailed:
      report.kind = Kind::kFailed;
      report.error = warden::read_error(reader);
      break;
    default:
      reader.reject();
  }
  TRY(reader.finish("report of a jail"));
  return report;
}

}  // namespace msb::isolation::jail
