// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/bytes.h"
#include "base/sys.h"

namespace msb::base {

Result<std::string> read_all(int fd, std::size_t max_bytes) {
  std::string content;
  std::byte buffer[16 * 1024];
  for (;;) {
    const std::size_t count = TRY(sys::read(fd, buffer));
    if (count == 0) {
      return content;
    }
    if (content.size() + count > max_bytes) {
      return fail(ErrorCode::kCorrupt, "longer than " + std::to_string(max_bytes) + " bytes");
    }
    content += text_of(std::span(buffer).first(count));
  }
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const UniqueFd file = TRY(sys::open(path, O_RDONLY));
  return TRY_WRAP(read_all(file.get(), max_bytes), "read " + path);
}

Result<> write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    bytes = bytes.subspan(TRY(sys::write(fd, bytes)));
  }
  return {};
}

Result<> write_all(int fd, std::string_view text) {
  return write_all(fd, bytes_of(text));
}

Result<> write_file_atomic(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  UniqueFd file(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!file) {
    return std::unexpected(sys::error("mkostemp", temporary));
  }
  const auto written = [&]() -> Result<> {
    TRY(write_all(file.get(), content));
    TRY(sys::fchmod(file.get(), mode));
    TRY(sys::fsync(file.get()));
    return sys::rename(temporary, path);
  }();
  if (!written) {
    ::unlink(temporary.c_str());
    return std::unexpected(written.error().wrap("write " + path));
  }
  return {};
}

Result<bool> read_exact(int fd, std::span<std::byte> buffer) {
  std::size_t done = 0;
  while (done < buffer.size()) {
    const std::size_t count = TRY(sys::read(fd, buffer.subspan(done)));
    if (count == 0) {
      if (done == 0) {
        return false;
      }
      return fail(ErrorCode::kCorrupt, "end of file in the middle of a message");
    }
    done += count;
  }
  return true;
}

Result<> make_folders(const std::string& path, unsigned mode) {
  for (std::size_t at = 1; at <= path.size(); ++at) {
    if (at < path.size() && path[at] != '/') {
      continue;
    }
    const std::string prefix = path.substr(0, at);
    if (::mkdir(prefix.c_str(), mode) < 0 && errno != EEXIST) {
      // A read-only or foreign parent that exists is no obstacle.
      const int reason = errno;
      struct stat status{};
      if (::stat(prefix.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
        return std::unexpected(sys::error_of(reason, "mkdir", prefix));
      }
    }
  }
  return {};
}

Result<TempDir> TempDir::create(const std::string& parent) {
  std::string path = parent + "/msb-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) {
    return std::unexpected(sys::error("mkdtemp", path));
  }
  return TempDir(std::move(path));
}

TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TempDir::~TempDir() {
  if (!path_.empty()) {
    [[maybe_unused]] const auto removed = remove_tree(path_);
  }
}

}  // namespace msb::base
