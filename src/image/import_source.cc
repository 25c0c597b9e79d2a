// SPDX-License-Identifier: Apache-2.0
#include "image/import_source.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/sys.h"
#include "image/printable.h"

namespace msb::image {

namespace sys = base::sys;

Result<base::UniqueFd> reopen(int fd) {
  return sys::open("/proc/self/fd/" + std::to_string(fd), O_RDONLY);
}

Result<std::string> ImportSource::read(const std::string& name, std::size_t max_bytes) const {
  const BlobSlice slice = TRY(open(name));
  if (slice.size_bytes > max_bytes) {
    return fail(ErrorCode::kCorrupt,
                "'" + printable(name) + "' is longer than " + std::to_string(max_bytes) + " bytes");
  }
  std::string content(slice.size_bytes, '\0');
  for (std::size_t done = 0; done < content.size();) {
    const auto rest = std::as_writable_bytes(std::span(content)).subspan(done);
    const std::size_t count =
        TRY(sys::pread(slice.file.get(), rest, static_cast<off_t>(slice.offset_bytes + done)));
    if (count == 0) {
      return fail(ErrorCode::kCorrupt, "'" + printable(name) + "' is cut short");
    }
    done += count;
  }
  return content;
}

Result<BlobSlice> FolderSource::open(const std::string& name) const {
  // A pipe in place of a file must not block the open.
  base::UniqueFd file = TRY(sys::openat2(folder_.get(), name, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                         RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS));
  const struct stat status = TRY(sys::fstat(file.get()));
  if (!S_ISREG(status.st_mode)) {
    return fail(ErrorCode::kCorrupt, "'" + printable(name) + "' is not a regular file");
  }
  BlobSlice slice;
  slice.file = std::move(file);
  slice.size_bytes = static_cast<std::uint64_t>(status.st_size);
  return slice;
}

Result<BlobSlice> TarSource::open(const std::string& name) const {
  const auto found = index_.find(name);
  if (!found) {
    return fail(ErrorCode::kNotFound, "the archive has no '" + printable(name) + "'");
  }
  BlobSlice slice;
  slice.file = TRY(reopen(file_.get()));
  slice.offset_bytes = found->offset_bytes;
  slice.size_bytes = found->size_bytes;
  return slice;
}

}  // namespace msb::image
