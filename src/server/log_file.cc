// SPDX-License-Identifier: Apache-2.0
#include "server/log_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <utility>

#include "base/file.h"
#include "base/sys.h"

namespace msb::server {
namespace {

Result<base::UniqueFd> open_to_append(const std::string& path) {
  return base::sys::open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
}

}  // namespace

Result<LogFile> LogFile::open(std::string path, std::size_t max_bytes) {
  base::UniqueFd file = TRY(open_to_append(path));
  const struct stat found = TRY(base::sys::fstat(file.get()));
  return LogFile(std::move(path), std::move(file), static_cast<std::size_t>(found.st_size),
                 max_bytes);
}

Result<> LogFile::take_standard_streams() {
  has_streams_ = true;
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    if (::dup2(file_.get(), stream) < 0) {
      return std::unexpected(base::sys::error("dup2", path_));
    }
  }
  return {};
}

Result<> LogFile::rotate() {
  TRY(base::sys::rename(path_, path_ + ".old"));
  file_ = TRY(open_to_append(path_));
  size_bytes_ = 0;
  return has_streams_ ? take_standard_streams() : Result<>();
}

void LogFile::write(std::string_view line) {
  const std::string text = std::string(line) + "\n";
  if (size_bytes_ > 0 && size_bytes_ + text.size() > max_bytes_) {
    if (const auto rotated = rotate(); !rotated) {
      // Whatever it was, the bound holds.
      ::ftruncate(file_.get(), 0) == 0 ? size_bytes_ = 0 : size_bytes_;
    }
  }
  if (base::write_all(file_.get(), text)) {
    size_bytes_ += text.size();
  }
}

}  // namespace msb::server
