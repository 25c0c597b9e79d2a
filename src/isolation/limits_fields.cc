// SPDX-License-Identifier: Apache-2.0
#include "isolation/limits_fields.h"

namespace msb::isolation {

void write_limits(base::ByteWriter& writer, const Limits& limits) {
  writer.u64(limits.memory_bytes);
  writer.f64(limits.cpus);
  writer.u32(limits.max_processes);
  writer.u64(limits.disk_bytes);
}

Limits read_limits(base::ByteReader& reader) {
  Limits limits;
  limits.memory_bytes = reader.u64();
  limits.cpus = reader.f64();
  limits.max_processes = reader.u32();
  limits.disk_bytes = reader.u64();
  return limits;
}

}  // namespace msb::isolation
