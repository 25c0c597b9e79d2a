// SPDX-License-Identifier: Apache-2.0
#include "base/sparse_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>

#include "base/sys.h"

namespace msb::base {
namespace {

Result<> write_at(int to, std::span<const std::byte> bytes, off_t target) {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(to, bytes.data(), bytes.size(), target);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return std::unexpected(sys::error("pwrite"));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
    target += count;
  }
  return {};
}

// Between files of one file system the kernel can; of a process' memory, or a memfd, it cannot.
bool is_refused(int reason) {
  return reason == EXDEV || reason == EINVAL || reason == EOPNOTSUPP || reason == ENOSYS;
}

}  // namespace

Result<> copy_range(int from, off_t source, int to, off_t target, std::uint64_t size) {
  bool by_kernel = true;
  std::array<std::byte, 128 * 1024> buffer;
  while (size > 0) {
    ssize_t count = -1;
    if (by_kernel) {
      count = ::copy_file_range(from, &source, to, &target, size, 0);
      if (count < 0 && errno != EINTR) {
        by_kernel = false;
        if (!is_refused(errno)) {
          return std::unexpected(sys::error("copy_file_range"));
        }
      }
      if (count < 0) {
        continue;
      }
    } else {
      const auto part = std::span(buffer).first(std::min<std::uint64_t>(size, buffer.size()));
      const std::size_t got = TRY(sys::pread(from, part, source));
      TRY(write_at(to, part.first(got), target));
      count = static_cast<ssize_t>(got);
      source += count;
      target += count;
    }
    if (count == 0) {
      return fail(ErrorCode::kCorrupt, "a file is shorter than it was");
    }
    size -= static_cast<std::uint64_t>(count);
  }
  return {};
}

Result<> copy_sparse_file(int from, int to) {
  const struct stat status = TRY(sys::fstat(from));
  TRY(sys::ftruncate(to, status.st_size));
  for (off_t data = 0; (data = ::lseek(from, data, SEEK_DATA)) >= 0;) {
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) {
      return std::unexpected(sys::error("lseek(SEEK_HOLE)"));
    }
    TRY(copy_range(from, data, to, data, static_cast<std::uint64_t>(hole - data)));
    data = hole;
  }
  // ENXIO: no data after the last hole.
  return errno == ENXIO ? Result<>() : std::unexpected(sys::error("lseek(SEEK_DATA)"));
}

}  // namespace msb::base
