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

std::unexpected<Error> too_short() {
  return fail(ErrorCode::kCorrupt, "a file is shorter than it was");
}

Result<> copy_by_hand(int from, off_t source, int to, off_t target, std::uint64_t size) {
  std::array<std::byte, 128 * 1024> buffer;
  while (size > 0) {
    const auto part = std::span(buffer).first(std::min<std::uint64_t>(size, buffer.size()));
    const std::size_t count = TRY(sys::pread(from, part, source));
    if (count == 0) {
      return too_short();
    }
    TRY(write_at(to, part.first(count), target));
    source += static_cast<off_t>(count);
    target += static_cast<off_t>(count);
    size -= count;
  }
  return {};
}

}  // namespace

Result<> copy_range(int from, off_t source, int to, off_t target, std::uint64_t size) {
  while (size > 0) {
    const ssize_t count = ::copy_file_range(from, &source, to, &target, size, 0);
    if (count == 0) {
      return too_short();
    }
    if (count > 0) {
      size -= static_cast<std::uint64_t>(count);
    } else if (is_refused(errno)) {
      return copy_by_hand(from, source, to, target, size);
    } else if (errno != EINTR) {
      return std::unexpected(sys::error("copy_file_range"));
    }
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
