// SPDX-License-Identifier: Apache-2.0
#include "image/unpack/extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/sys.h"
#include "image/printable.h"
#include "image/unpack/tree_writer.h"
#include "image/unpack/whiteout.h"

namespace msb::image::unpack {
namespace {

namespace sys = base::sys;

// Bookkeeping of aufs.
constexpr std::string_view kAufsPrefix = ".wh..wh.";

struct FreeReader {
  void operator()(archive* handle) const { ::archive_read_free(handle); }
};
using ArchivePtr = std::unique_ptr<archive, FreeReader>;

Error archive_error(archive* handle, std::string_view doing) {
  const char* text = ::archive_error_string(handle);
  const int reason = ::archive_errno(handle);
  // libarchive reports what it finds wrong in a format as EILSEQ or EINVAL; anything else came from
  // a read.
  return {reason == ENOMEM ? ErrorCode::kResourceExhausted : ErrorCode::kCorrupt,
          std::string(doing) + ": " + (text != nullptr ? printable(text) : "malformed")};
}

Attributes attributes_of(archive_entry* entry) {
  Attributes attributes;
  attributes.mode = ::archive_entry_perm(entry) & 07777;
  attributes.uid = static_cast<std::uint64_t>(::archive_entry_uid(entry));
  attributes.gid = static_cast<std::uint64_t>(::archive_entry_gid(entry));
  attributes.mtime = {.tv_sec = ::archive_entry_mtime(entry),
                      .tv_nsec = ::archive_entry_mtime_nsec(entry)};
  ::archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (::archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
    attributes.xattrs.emplace_back(name, std::string(static_cast<const char*>(value), size));
  }
  return attributes;
}

class Extractor {
 public:
  Extractor(archive* handle, int root_fd, IdMap id_map, const ExtractLimits& limits)
      : handle_(handle), tree_(root_fd, id_map), limits_(limits) {}

  Result<ExtractReport> run() {
    for (;;) {
      archive_entry* entry = nullptr;
      const int result = ::archive_read_next_header(handle_, &entry);
      if (result == ARCHIVE_EOF) {
        TRY(tree_.finish());
        return report_;
      }
      if (result < ARCHIVE_WARN) {
        return std::unexpected(archive_error(handle_, "tar"));
      }
      if (++report_.entries > limits_.max_entries) {
        return fail(ErrorCode::kResourceExhausted,
                    "more than " + std::to_string(limits_.max_entries) + " entries");
      }
      TRY(add(entry));
    }
  }

 private:
  Result<> add(archive_entry* entry) {
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr) {
      return fail(ErrorCode::kCorrupt, "tar: an entry without a readable name");
    }
    const auto path = EntryPath::parse(name);
    return path ? add_at(*path, entry) : std::unexpected(path.error());
  }

  Result<> add_at(const EntryPath& path, archive_entry* entry) {
    if (path.name.starts_with(kWhiteoutPrefix)) {
      return add_whiteout(path);
    }
    if (::archive_entry_hardlink(entry) != nullptr) {
      return add_hard_link(path, ::archive_entry_hardlink(entry));
    }
    const auto type = ::archive_entry_filetype(entry);
    if (path.name.empty() && type != AE_IFDIR) {
      return fail(ErrorCode::kCorrupt, "the layer's root is not a folder");
    }
    switch (type) {
      case AE_IFDIR:
        return tree_.add_folder(path, attributes_of(entry));
      case AE_IFREG:
        return add_file(path, entry);
      case AE_IFLNK:
        return add_symlink(path, entry);
      case AE_IFIFO:
        return tree_.add_fifo(path, attributes_of(entry));
      default:
        return {};
    }
  }

  Result<> add_whiteout(const EntryPath& path) {
    if (path.name == kOpaqueMarker) {
      return tree_.make_opaque(path.parent);
    }
    if (path.name.starts_with(kAufsPrefix)) {
      return {};  // bookkeeping of aufs
    }
    const EntryPath hidden{path.parent, path.name.substr(kWhiteoutPrefix.size())};
    if (hidden.name.empty() || hidden.name == "." || hidden.name == "..") {
      return fail(ErrorCode::kCorrupt,
                  "entry '" + printable(path.str()) + "': a whiteout of no file");
    }
    return tree_.add_whiteout(hidden);
  }

  Result<> add_hard_link(const EntryPath& path, const char* target) {
    if (path.name.empty()) {
      return fail(ErrorCode::kCorrupt, "the layer's root is not a folder");
    }
    const auto target_path = EntryPath::parse(target);
    return target_path ? tree_.add_hard_link(path, *target_path)
                       : std::unexpected(target_path.error());
  }

  Result<> add_symlink(const EntryPath& path, archive_entry* entry) {
    const char* target = ::archive_entry_symlink(entry);
    if (target == nullptr || *target == '\0' || std::string_view(target).size() >= kMaxPathBytes) {
      return fail(ErrorCode::kCorrupt, "entry '" + printable(path.str()) +
                                           "': a symbolic link to nothing a path can be");
    }
    return tree_.add_symlink(path, target, attributes_of(entry));
  }

  Result<> add_file(const EntryPath& path, archive_entry* entry) {
    const auto size = static_cast<std::uint64_t>(::archive_entry_size(entry));
    if (size > limits_.max_bytes - report_.bytes) {
      return fail(ErrorCode::kResourceExhausted, "entry '" + printable(path.str()) +
                                                     "': the layer is larger than " +
                                                     std::to_string(limits_.max_bytes) + " bytes");
    }
    report_.bytes += size;
    const base::UniqueFd file = TRY(tree_.create_file(path));
    std::uint64_t written_to = 0;
    for (;;) {
      const void* data = nullptr;
      std::size_t count = 0;
      la_int64_t offset = 0;
      const int result = ::archive_read_data_block(handle_, &data, &count, &offset);
      if (result == ARCHIVE_EOF) {
        break;
      }
      if (result < ARCHIVE_WARN) {
        return std::unexpected(archive_error(handle_, "entry '" + printable(path.str()) + "'"));
      }
      const auto start = static_cast<std::uint64_t>(offset);
      if (start > size || count > size - start) {
        return fail(ErrorCode::kCorrupt,
                    "entry '" + printable(path.str()) + "': data beyond its size");
      }
      // SAFETY: libarchive's block is valid until the next call on the handle.
      TRY(write_at(file.get(), {static_cast<const std::byte*>(data), count}, offset));
      written_to = start + count;
    }
    if (written_to < size) {
      TRY(sys::ftruncate(file.get(), static_cast<off_t>(size)));  // ends in a hole
    }
    TRY_WRAP(tree_.finish_file(file.get(), attributes_of(entry)),
             "entry '" + printable(path.str()) + "'");
    return {};
  }

  static Result<> write_at(int file, std::span<const std::byte> bytes, la_int64_t offset) {
    while (!bytes.empty()) {
      const ssize_t count = ::pwrite(file, bytes.data(), bytes.size(), offset);
      if (count < 0) {
        if (errno == EINTR) {
          continue;
        }
        return std::unexpected(sys::error("pwrite"));
      }
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      offset += count;
    }
    return {};
  }

  archive* handle_;
  TreeWriter tree_;
  ExtractLimits limits_;
  ExtractReport report_;
};

}  // namespace

Result<ExtractReport> extract_tar(const OpenArchive& open, int root_fd, IdMap id_map,
                                  const ExtractLimits& limits) {
  const ArchivePtr handle(::archive_read_new());
  if (handle == nullptr) {
    return fail(ErrorCode::kResourceExhausted, "archive_read_new");
  }
  ::archive_read_support_format_tar(handle.get());
  ::archive_read_support_format_empty(handle.get());  // a layer without entries
  if (open(handle.get()) != ARCHIVE_OK) {
    return std::unexpected(archive_error(handle.get(), "tar"));
  }
  return Extractor(handle.get(), root_fd, id_map, limits).run();
}

Result<std::uint64_t> decompress(const OpenArchive& open, int output_fd) {
  const ArchivePtr handle(::archive_read_new());
  if (handle == nullptr) {
    return fail(ErrorCode::kResourceExhausted, "archive_read_new");
  }
  ::archive_read_support_filter_gzip(handle.get());
  ::archive_read_support_filter_zstd(handle.get());
  ::archive_read_support_format_raw(handle.get());
  ::archive_read_support_format_empty(handle.get());
  archive_entry* entry = nullptr;
  if (open(handle.get()) != ARCHIVE_OK) {
    return std::unexpected(archive_error(handle.get(), "decompress"));
  }
  std::uint64_t bytes = 0;
  const int result = ::archive_read_next_header(handle.get(), &entry);
  if (result == ARCHIVE_EOF) {
    return bytes;
  }
  if (result < ARCHIVE_WARN) {
    return std::unexpected(archive_error(handle.get(), "decompress"));
  }
  for (;;) {
    const void* data = nullptr;
    std::size_t count = 0;
    la_int64_t offset = 0;
    const int block = ::archive_read_data_block(handle.get(), &data, &count, &offset);
    if (block == ARCHIVE_EOF) {
      return bytes;
    }
    if (block < ARCHIVE_WARN) {
      return std::unexpected(archive_error(handle.get(), "decompress"));
    }
    // SAFETY: libarchive's block is valid until the next call on the handle.
    TRY(base::write_all(output_fd, std::span(static_cast<const std::byte*>(data), count)));
    bytes += count;
  }
}

}  // namespace msb::image::unpack
