// SPDX-License-Identifier: Apache-2.0
#include "image/unpack/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/sys.h"
#include "image/printable.h"
#include "image/unpack/entry_path.h"
#include "image/unpack/folder_stream.h"
#include "image/unpack/whiteout.h"

namespace msb::image::unpack {
namespace {

namespace sys = base::sys;

// A file in more pieces than this is written with its holes filled.
constexpr std::size_t kMaxExtents = 4096;
constexpr std::size_t kMaxXattrBytes = 64 * 1024;  // of one file's names, and of one value
// The first paths of files that have others, which the others are to name.
constexpr std::size_t kMaxLinkedBytes = 64u << 20;

struct FreeWriter {
  void operator()(archive* handle) const { ::archive_write_free(handle); }
};
struct FreeEntry {
  void operator()(archive_entry* entry) const { ::archive_entry_free(entry); }
};
using EntryPtr = std::unique_ptr<archive_entry, FreeEntry>;

Error quoting(Error error, const std::string& path) {
  return std::move(error).wrap("'" + printable(path) + "'");
}

class Packer {
 public:
  Packer(archive* handle, const ExtractLimits& limits) : handle_(handle), limits_(limits) {}

  // Depth first, with the streams of the folders above on a stack, as trees are removed.
  Result<ExtractReport> run(int root_fd) {
    TRY(enter(root_fd, ".", ""));
    while (!levels_.empty()) {
      const Level& level = levels_.back();
      errno = 0;
      const dirent* const found = ::readdir(level.stream.get());
      if (found == nullptr && errno != 0) {
        return std::unexpected(sys::error("readdir", printable(level.path)));
      }
      if (found == nullptr) {
        levels_.pop_back();
        continue;
      }
      const std::string name = found->d_name;
      if (name == "." || name == "..") {
        continue;
      }
      const std::string path = level.path.empty() ? name : level.path + "/" + name;
      if (auto added = add(::dirfd(level.stream.get()), name, level.path, path); !added) {
        return std::unexpected(quoting(std::move(added).error(), path));
      }
    }
    if (::archive_write_close(handle_) != ARCHIVE_OK) {
      return std::unexpected(archive_error());
    }
    return report_;
  }

 private:
  struct Extent {
    std::uint64_t begin = 0;
    std::uint64_t size_bytes = 0;
  };
  struct Level {
    FolderStream stream;
    std::string path;
  };

  Error archive_error() {
    const char* text = ::archive_error_string(handle_);
    return {ErrorCode::kIo, text != nullptr ? printable(text) : "tar"};
  }

  Result<> add(int parent, const std::string& name, const std::string& parent_path,
               const std::string& path) {
    struct stat status{};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0) {
      // Where a sandbox could not be made to stand still, its files come and go.
      return errno == ENOENT ? Result<>() : std::unexpected(sys::error("fstatat"));
    }
    if (name.starts_with(kWhiteoutPrefix)) {
      return fail(ErrorCode::kUnsupported,
                  "a name that begins with .wh. means a removed file in an image; rename it");
    }
    if (S_ISDIR(status.st_mode)) {
      return enter(parent, name, path);
    }
    if (is_whiteout(status)) {
      return add_marker(parent_path, std::string(kWhiteoutPrefix) + name, status);
    }
    if (!S_ISREG(status.st_mode) && !S_ISLNK(status.st_mode) && !S_ISFIFO(status.st_mode)) {
      return {};
    }
    const EntryPtr entry = new_entry(path, status);
    if (status.st_nlink > 1) {
      const auto [first, is_new] = linked_.try_emplace(status.st_ino, path);
      if (!is_new) {
        ::archive_entry_set_size(entry.get(), 0);
        ::archive_entry_set_hardlink(entry.get(), first->second.c_str());
        return write_header(entry.get());
      }
      linked_bytes_ += sizeof(decltype(linked_)::value_type) + path.size();
      if (linked_bytes_ > kMaxLinkedBytes) {
        return fail(ErrorCode::kResourceExhausted,
                    "too many files with hard links: their paths take more than " +
                        std::to_string(kMaxLinkedBytes) + " bytes; remove some of them");
      }
    }
    if (S_ISREG(status.st_mode)) {
      return add_file(parent, name, entry.get());
    }
    if (S_ISLNK(status.st_mode)) {
      TRY(set_target(parent, name, entry.get()));
    }
    return write_header(entry.get());
  }

  // Adds a folder and goes on in it.
  Result<> enter(int parent, const std::string& name, const std::string& path) {
    if (levels_.size() > kMaxPathDepth) {
      return fail(ErrorCode::kUnsupported, "folders nested too deep");
    }
    FolderStream stream = TRY(open_stream(parent, name));
    const int fd = ::dirfd(stream.get());
    const struct stat status = TRY(sys::fstat(fd));
    const EntryPtr entry = new_entry(path.empty() ? "./" : path + "/", status);
    TRY(add_xattrs(fd, entry.get()));
    TRY(write_header(entry.get()));
    std::array<char, 8> value{};
    if (::fgetxattr(fd, kOpaqueXattr, value.data(), value.size()) == 1 && value[0] == 'y') {
      TRY(add_marker(path, std::string(kOpaqueMarker), status));
    }
    levels_.push_back({std::move(stream), path});
    return {};
  }

  Result<> add_marker(const std::string& folder, const std::string& name,
                      const struct stat& status) {
    const EntryPtr entry = new_entry(folder.empty() ? name : folder + "/" + name, status);
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), 0600);
    ::archive_entry_set_size(entry.get(), 0);
    return write_header(entry.get());
  }

  static EntryPtr new_entry(const std::string& path, const struct stat& status) {
    EntryPtr entry(::archive_entry_new());
    ::archive_entry_copy_stat(entry.get(), &status);
    ::archive_entry_set_nlink(entry.get(), 1);
    ::archive_entry_copy_pathname(entry.get(), path.c_str());
    // What is not part of a layer would only make two of the same differ.
    ::archive_entry_unset_atime(entry.get());
    ::archive_entry_unset_ctime(entry.get());
    return entry;
  }

  static Result<> set_target(int parent, const std::string& name, archive_entry* entry) {
    std::string target(kMaxPathBytes, '\0');
    const ssize_t size = ::readlinkat(parent, name.c_str(), target.data(), target.size());
    if (size < 0) {
      return std::unexpected(sys::error("readlinkat"));
    }
    target.resize(static_cast<std::size_t>(size));
    ::archive_entry_copy_symlink(entry, target.c_str());
    return {};
  }

  // Of the guest's own: overlayfs keeps its orders under the same prefix.
  Result<> add_xattrs(int fd, archive_entry* entry) {
    const ssize_t size = ::flistxattr(fd, xattr_names_.data(), xattr_names_.size());
    if (size < 0) {
      return errno == EOPNOTSUPP ? Result<>() : std::unexpected(sys::error("flistxattr"));
    }
    // Each with a NUL behind it.
    const std::string_view names(xattr_names_.data(), static_cast<std::size_t>(size));
    for (std::size_t begin = 0; begin < names.size();) {
      const std::string name(names.substr(begin, names.find('\0', begin) - begin));
      begin += name.size() + 1;
      if (!name.starts_with("user.") || name.starts_with("user.overlay.")) {
        continue;
      }
      const ssize_t length =
          ::fgetxattr(fd, name.c_str(), xattr_value_.data(), xattr_value_.size());
      if (length < 0) {
        return std::unexpected(sys::error("fgetxattr"));
      }
      ::archive_entry_xattr_add_entry(entry, name.c_str(), xattr_value_.data(),
                                      static_cast<std::size_t>(length));
    }
    return {};
  }

  Result<> add_file(int parent, const std::string& name, archive_entry* entry) {
    const base::UniqueFd file =
        TRY(sys::openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    // What was opened counts.
    const struct stat status = TRY(sys::fstat(file.get()));
    if (!S_ISREG(status.st_mode)) {
      return {};
    }
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (size > limits_.max_bytes - report_.bytes) {
      return fail(ErrorCode::kResourceExhausted,
                  "the files are larger than " + std::to_string(limits_.max_bytes) + " bytes");
    }
    report_.bytes += size;
    ::archive_entry_set_size(entry, status.st_size);
    TRY(add_xattrs(file.get(), entry));
    const std::vector<Extent> extents = extents_of(file.get(), size);
    if (extents.size() != 1 || extents.front().size_bytes != size) {
      for (const Extent& extent : extents) {
        ::archive_entry_sparse_add_entry(entry, static_cast<la_int64_t>(extent.begin),
                                         static_cast<la_int64_t>(extent.size_bytes));
      }
    }
    TRY(write_header(entry));
    // The holes are handed over, too; the archive leaves them out.
    std::uint64_t at = 0;
    for (const Extent& extent : extents) {
      TRY(write_hole(extent.begin - at));
      TRY(write_data(file.get(), extent));
      at = extent.begin + extent.size_bytes;
    }
    return {};
  }

  // Where it has data, and at last its end; all of it, where that cannot be told or is not worth
  // it.
  static std::vector<Extent> extents_of(int file, std::uint64_t size) {
    const auto file_size = static_cast<off_t>(size);
    std::vector<Extent> extents;
    for (off_t at = 0; at < file_size;) {
      const off_t begin = ::lseek(file, at, SEEK_DATA);
      if ((begin < 0 && errno == ENXIO) || begin >= file_size) {
        break;
      }
      const off_t end = begin < 0 ? -1 : std::min(::lseek(file, begin, SEEK_HOLE), file_size);
      if (end <= begin || extents.size() == kMaxExtents) {
        return {Extent{.begin = 0, .size_bytes = size}};
      }
      extents.push_back({.begin = static_cast<std::uint64_t>(begin),
                         .size_bytes = static_cast<std::uint64_t>(end - begin)});
      at = end;
    }
    if (extents.empty() || extents.back().begin + extents.back().size_bytes < size) {
      extents.push_back({.begin = size, .size_bytes = 0});
    }
    return extents;
  }

  Result<> write_hole(std::uint64_t size) {
    static constexpr std::array<char, 1 << 20> kZeros{};
    while (size > 0) {
      const auto count = std::min<std::uint64_t>(kZeros.size(), size);
      if (::archive_write_data(handle_, kZeros.data(), count) < 0) {
        return std::unexpected(archive_error());
      }
      size -= count;
    }
    return {};
  }

  Result<> write_data(int file, const Extent& extent) {
    for (std::uint64_t done = 0; done < extent.size_bytes;) {
      const auto wanted = std::min<std::uint64_t>(buffer_.size(), extent.size_bytes - done);
      const auto piece = std::as_writable_bytes(std::span(buffer_)).first(wanted);
      const std::size_t count =
          TRY(sys::pread(file, piece, static_cast<off_t>(extent.begin + done)));
      if (count == 0) {  // it has been cut meanwhile
        return write_hole(extent.size_bytes - done);
      }
      if (::archive_write_data(handle_, buffer_.data(), count) < 0) {
        return std::unexpected(archive_error());
      }
      done += count;
    }
    return {};
  }

  Result<> write_header(archive_entry* entry) {
    if (++report_.entries > limits_.max_entries) {
      return fail(ErrorCode::kResourceExhausted,
                  "more than " + std::to_string(limits_.max_entries) + " files");
    }
    // A warning: a name that is not UTF-8, which is written as the bytes that it is.
    if (::archive_write_header(handle_, entry) < ARCHIVE_WARN) {
      return std::unexpected(archive_error());
    }
    return {};
  }

  archive* handle_;
  const ExtractLimits limits_;
  ExtractReport report_;
  std::vector<Level> levels_;
  std::unordered_map<ino_t, std::string> linked_;
  std::size_t linked_bytes_ = 0;
  std::vector<char> buffer_ = std::vector<char>(256 * 1024);
  std::vector<char> xattr_names_ = std::vector<char>(kMaxXattrBytes);
  std::vector<char> xattr_value_ = std::vector<char>(kMaxXattrBytes);
};

}  // namespace

Result<ExtractReport> pack_tar(int root_fd, int output_fd, const ExtractLimits& limits) {
  const std::unique_ptr<archive, FreeWriter> handle(::archive_write_new());
  if (handle == nullptr) {
    return fail(ErrorCode::kResourceExhausted, "archive_write_new");
  }
  ::archive_write_set_format_pax_restricted(handle.get());
  ::archive_write_set_bytes_per_block(handle.get(), 64 * 1024);
  ::archive_write_set_bytes_in_last_block(handle.get(), 1);
  if (::archive_write_open_fd(handle.get(), output_fd) != ARCHIVE_OK) {
    return fail(ErrorCode::kInternal, "archive_write_open_fd");
  }
  return Packer(handle.get(), limits).run(root_fd);
}

}  // namespace msb::image::unpack
