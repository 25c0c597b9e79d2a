// SPDX-License-Identifier: Apache-2.0
#include "engine/disk_use.h"

#include <fts.h>
#include <sys/stat.h>

#include <memory>

namespace msb::engine {
namespace {

constexpr std::int64_t kBytesPerBlock = 512;  // unit of st_blocks, whatever the file system's is
constexpr int kMaxEntries = 200'000;

}  // namespace

std::int64_t disk_use_of_folder(const std::string& path) {
  std::string root = path;
  char* roots[] = {root.data(), nullptr};
  const std::unique_ptr<FTS, int (*)(FTS*)> walk(
      ::fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr), ::fts_close);
  if (!walk) {
    return 0;
  }
  std::int64_t size_bytes = 0;
  for (int entries = 0; entries < kMaxEntries; ++entries) {
    const FTSENT* entry = ::fts_read(walk.get());
    if (entry == nullptr) {
      break;
    }
    if (entry->fts_info == FTS_F || entry->fts_info == FTS_D) {
      size_bytes += static_cast<std::int64_t>(entry->fts_statp->st_blocks) * kBytesPerBlock;
    }
  }
  return size_bytes;
}

}  // namespace msb::engine
