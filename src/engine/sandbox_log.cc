// SPDX-License-Identifier: Apache-2.0
#include "engine/sandbox_log.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/sys.h"

namespace msb::engine {
namespace {

// The last bytes of a file; nothing if it is not there.
Result<std::string> tail_of(const std::string& path, std::size_t max_bytes) {
  const auto file = base::sys::open(path, O_RDONLY | O_NOFOLLOW);
  if (!file) {
    if (file.error().sys_errno() == ENOENT) {
      return std::string();
    }
    return std::unexpected(file.error());
  }
  const auto size = static_cast<std::size_t>(TRY(base::sys::fstat(file->get())).st_size);
  std::string text(std::min(size, max_bytes), '\0');
  const std::size_t read =
      TRY(base::sys::pread(file->get(), std::as_writable_bytes(std::span(text)),
                           static_cast<off_t>(size - text.size())));
  text.resize(read);
  return text;
}

}  // namespace

Result<> SandboxLog::open() {
  file_ = TRY(base::sys::open(path_, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600));
  size_bytes_ = static_cast<std::size_t>(TRY(base::sys::fstat(file_.get())).st_size);
  return {};
}

Result<> SandboxLog::append(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  while (!bytes.empty()) {
    if (!file_) {
      TRY(open());
    }
    if (size_bytes_ >= kMaxLogBytes) {
      TRY(base::sys::rename(path_, path_ + ".old"));
      TRY(open());
    }
    const std::string_view piece = bytes.substr(0, kMaxLogBytes - size_bytes_);
    TRY(base::write_all(file_.get(), piece));
    size_bytes_ += piece.size();
    bytes.remove_prefix(piece.size());
  }
  return {};
}

Result<std::string> SandboxLog::tail(std::size_t max_bytes) const {
  const std::lock_guard lock(mutex_);
  const std::string now = TRY(tail_of(path_, max_bytes));
  const std::string before = TRY(tail_of(path_ + ".old", max_bytes - now.size()));
  return before + now;
}

}  // namespace msb::engine
