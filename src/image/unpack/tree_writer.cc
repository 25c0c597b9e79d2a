// SPDX-License-Identifier: Apache-2.0
#include "image/unpack/tree_writer.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "base/sys.h"
#include "image/printable.h"
#include "image/unpack/protocol.h"
#include "image/unpack/tree_remover.h"
#include "image/unpack/whiteout.h"

namespace msb::image::unpack {
namespace {

namespace sys = base::sys;

constexpr std::uint64_t kBeneath = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
constexpr std::size_t kMaxFolderTimesBytes = 256u << 20;
// The owner of what belongs to an id that no sandbox has: "nobody", as the kernel itself shows it.
constexpr std::uint32_t kOverflowId = 65534;

Result<> done(int result, std::string_view call, std::string_view subject) {
  if (result < 0) {
    return std::unexpected(sys::error(call, printable(subject)));
  }
  return {};
}

Result<std::optional<struct stat>> stat_at(int parent, const std::string& name) {
  struct stat status{};
  if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    return status;
  }
  if (errno == ENOENT) {
    return std::nullopt;
  }
  return std::unexpected(sys::error("fstatat", printable(name)));
}

std::array<timespec, 2> times_of(timespec mtime) {
  return {mtime, mtime};
}

Result<> mark_opaque(int folder) {
  return done(::fsetxattr(folder, kOpaqueXattr, "y", 1, 0), "fsetxattr", kOpaqueXattr);
}

}  // namespace

Result<base::UniqueFd> TreeWriter::open_folder(const std::string& path) {
  return sys::openat2(root_fd_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, kBeneath);
}

// An archive may name a file before, or without, the folders above it.
Result<base::UniqueFd> TreeWriter::make_parents(const std::string& path) {
  base::UniqueFd folder = TRY(open_folder(""));
  for (std::size_t start = 0; start < path.size();) {
    const std::size_t end = std::min(path.find('/', start), path.size());
    const std::string upto = path.substr(0, end);
    auto next = open_folder(upto);
    if (!next) {
      const std::string name = path.substr(start, end - start);
      // A file or a broken link of this archive stands where a folder must be: the later entry
      // wins.
      const bool had_whiteout = TRY(clear(folder.get(), name));
      TRY(done(::mkdirat(folder.get(), name.c_str(), 0755), "mkdirat", upto));
      next = open_folder(upto);
      if (next && had_whiteout) {
        TRY(mark_opaque(next->get()));
      }
    }
    folder = TRY(std::move(next));
    start = end + 1;
  }
  return folder;
}

Result<int> TreeWriter::parent_of(const EntryPath& path) {
  if (!cache_valid_ || cached_path_ != path.parent) {
    auto folder = open_folder(path.parent);
    if (!folder) {
      folder = make_parents(path.parent);
    }
    cached_parent_ = TRY_WRAP(std::move(folder), "entry '" + printable(path.str()) + "'");
    cached_path_ = path.parent;
    cache_valid_ = true;
  }
  return cached_parent_.get();
}

Result<bool> TreeWriter::clear(int parent, const std::string& name) {
  const auto status = TRY(stat_at(parent, name));
  if (!status) {
    return false;
  }
  if (S_ISDIR(status->st_mode) || S_ISLNK(status->st_mode)) {
    cache_valid_ = false;  // only the mark: the caller still uses the descriptor
  }
  if (S_ISDIR(status->st_mode)) {
    TRY(remove_folder_at(parent, name));
  } else {
    TRY(done(::unlinkat(parent, name.c_str(), 0), "unlinkat", name));
  }
  return is_whiteout(*status);
}

Result<> TreeWriter::set_owner(int parent, const char* name, const Attributes& attributes) const {
  if (id_map_ == IdMap::kSingle) {
    return {};  // One id is all there is; it owns everything already.
  }
  const auto inside = [](std::uint64_t id) {
    return id < kStoreIdCount ? static_cast<std::uint32_t>(id) : kOverflowId;
  };
  return done(::fchownat(parent, name, inside(attributes.uid), inside(attributes.gid),
                         AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0)),
              "fchownat", name);
}

Result<> TreeWriter::set_xattrs(int fd, const Attributes& attributes) const {
  for (const auto& [name, value] : attributes.xattrs) {
    // Overlayfs reads the second kind as its own orders.
    if (!name.starts_with("user.") || name.starts_with("user.overlay.")) {
      continue;
    }
    TRY(done(::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0), "fsetxattr", name));
  }
  return {};
}

Result<> TreeWriter::add_folder(const EntryPath& path, const Attributes& attributes) {
  base::UniqueFd folder;
  if (path.name.empty()) {
    folder = TRY(open_folder(""));
  } else {
    const int parent = TRY(parent_of(path));
    const auto status = TRY(stat_at(parent, path.name));
    const bool exists = status && S_ISDIR(status->st_mode);
    bool had_whiteout = false;
    if (!exists) {
      had_whiteout = TRY(clear(parent, path.name));
      TRY(done(::mkdirat(parent, path.name.c_str(), 0755), "mkdirat", path.name));
    }
    folder = TRY(sys::openat2(parent, path.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                              RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
    if (had_whiteout) {
      TRY(mark_opaque(folder.get()));
    }
  }
  TRY(set_owner(folder.get(), "", attributes));
  TRY(done(::fchmod(folder.get(), attributes.mode), "fchmod", path.name));
  TRY(set_xattrs(folder.get(), attributes));
  folder_times_.push_back({path.str(), attributes.mtime});
  folder_times_bytes_ += sizeof(FolderTime) + folder_times_.back().path.size();
  if (folder_times_bytes_ > kMaxFolderTimesBytes) {
    return fail(ErrorCode::kResourceExhausted, "the layer has too many folders");
  }
  return {};
}

Result<> TreeWriter::add_symlink(const EntryPath& path, const std::string& target,
                                 const Attributes& attributes) {
  const int parent = TRY(parent_of(path));
  static_cast<void>(TRY(clear(parent, path.name)));
  TRY(done(::symlinkat(target.c_str(), parent, path.name.c_str()), "symlinkat", path.name));
  TRY(set_owner(parent, path.name.c_str(), attributes));
  return done(::utimensat(parent, path.name.c_str(), times_of(attributes.mtime).data(),
                          AT_SYMLINK_NOFOLLOW),
              "utimensat", path.name);
}

Result<> TreeWriter::add_fifo(const EntryPath& path, const Attributes& attributes) {
  const int parent = TRY(parent_of(path));
  static_cast<void>(TRY(clear(parent, path.name)));
  TRY(done(::mknodat(parent, path.name.c_str(), S_IFIFO | 0600, 0), "mknodat", path.name));
  TRY(set_owner(parent, path.name.c_str(), attributes));
  // Nothing else runs in this tree: the name is still the pipe that was just made.
  TRY(done(::fchmodat(parent, path.name.c_str(), attributes.mode, 0), "fchmodat", path.name));
  return done(::utimensat(parent, path.name.c_str(), times_of(attributes.mtime).data(),
                          AT_SYMLINK_NOFOLLOW),
              "utimensat", path.name);
}

Result<> TreeWriter::add_hard_link(const EntryPath& path, const EntryPath& target) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorCode::kCorrupt, "entry '" + printable(path.str()) + "': its link's target '" +
                                         printable(target.str()) + "' " + std::string(why));
  };
  if (target.name.empty()) {
    return refuse("is a folder");
  }
  auto target_parent = open_folder(target.parent);
  if (!target_parent) {
    return refuse("is not in this layer");
  }
  const auto status = TRY(stat_at(target_parent->get(), target.name));
  if (!status || is_whiteout(*status)) {
    return refuse("is not in this layer");
  }
  if (S_ISDIR(status->st_mode)) {
    return refuse("is a folder");
  }
  const int parent = TRY(parent_of(path));
  const auto existing = TRY(stat_at(parent, path.name));
  if (existing && existing->st_ino == status->st_ino) {
    return {};
  }
  static_cast<void>(TRY(clear(parent, path.name)));
  return done(::linkat(target_parent->get(), target.name.c_str(), parent, path.name.c_str(), 0),
              "linkat", path.name);
}

Result<> TreeWriter::add_whiteout(const EntryPath& path) {
  const int parent = TRY(parent_of(path));
  // A whiteout speaks of lower layers only: what this layer has of that name stays, and hides them.
  if (const auto status = TRY(stat_at(parent, path.name))) {
    return S_ISDIR(status->st_mode) ? make_opaque(path.str()) : Result<>();
  }
  return done(::mknodat(parent, path.name.c_str(), S_IFCHR, makedev(0, 0)), "mknodat", path.name);
}

Result<> TreeWriter::make_opaque(const std::string& folder) {
  auto opened = open_folder(folder);
  if (!opened) {
    opened = make_parents(folder);
  }
  return mark_opaque(TRY(std::move(opened)).get());
}

Result<base::UniqueFd> TreeWriter::create_file(const EntryPath& path) {
  const int parent = TRY(parent_of(path));
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  auto file = sys::openat(parent, path.name, kFlags, 0600);
  if (!file && file.error().sys_errno() == EEXIST) {
    static_cast<void>(TRY(clear(parent, path.name)));
    file = sys::openat(parent, path.name, kFlags, 0600);
  }
  return TRY_WRAP(std::move(file), "entry '" + printable(path.str()) + "'");
}

Result<> TreeWriter::finish_file(int file, const Attributes& attributes) {
  TRY(set_owner(file, "", attributes));
  TRY(set_xattrs(file, attributes));
  TRY(sys::fchmod(file, attributes.mode));  // after the owner: a change of that clears setuid
  return done(::futimens(file, times_of(attributes.mtime).data()), "futimens", "");
}

Result<> TreeWriter::finish() {
  for (const FolderTime& folder : folder_times_) {
    // A later entry may have taken the folder away.
    const auto opened = sys::openat2(root_fd_, folder.path.empty() ? "." : folder.path,
                                     O_RDONLY | O_DIRECTORY | O_NOFOLLOW, kBeneath);
    if (opened) {
      TRY(done(::futimens(opened->get(), times_of(folder.mtime).data()), "futimens", folder.path));
    }
  }
  return {};
}

}  // namespace msb::image::unpack
