// SPDX-License-Identifier: Apache-2.0
//
// A tar stream into a tree, by libarchive and TreeWriter; and a compressed stream into a plain one.
// Both are meant to run confined (confinement.h): what they read is hostile.
#pragma once

#include <cstdint>
#include <functional>

#include "base/try.h"
#include "image/unpack/id_map.h"

struct archive;

namespace msb::image::unpack {

struct ExtractLimits {
  std::uint64_t max_bytes = 32ull << 30;  // sum of the files' sizes, holes included
  std::uint64_t max_entries = 2'000'000;
};

struct ExtractReport {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

// Opens an archive for reading: archive_read_open_fd, _memory, ... ARCHIVE_OK or an error.
using OpenArchive = std::function<int(archive*)>;

// An uncompressed tar. Device nodes are left out (a sandbox has its own /dev), sockets too.
Result<ExtractReport> extract_tar(const OpenArchive& open, int root_fd, IdMap id_map,
                                  const ExtractLimits& limits);

// gzip (several members as well), zstd, or anything else as it is.
Result<std::uint64_t> decompress(const OpenArchive& open, int output_fd);

}  // namespace msb::image::unpack
