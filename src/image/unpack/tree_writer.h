// SPDX-License-Identifier: Apache-2.0
//
// Builds a layer's tree beneath one folder descriptor, an entry at a time, in the form overlayfs
// wants. No name of an archive reaches the kernel but through openat2 beneath that descriptor, or
// as a single component in a folder so opened: symbolic links in the tree are followed as if the
// folder were "/", and lead nowhere else.
//
// Of two entries with one name the later stays, as with tar; a folder named twice keeps its
// content.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "image/unpack/entry_path.h"
#include "image/unpack/id_map.h"

namespace msb::image::unpack {

struct Attributes {
  mode_t mode = 0;  // permission bits, setuid and the like included
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  timespec mtime{};
  std::vector<std::pair<std::string, std::string>> xattrs;  // only "user." ones are kept
};

class TreeWriter {
 public:
  // `root_fd` stays the caller's.
  TreeWriter(int root_fd, IdMap id_map) : root_fd_(root_fd), id_map_(id_map) {}

  Result<> add_folder(const EntryPath& path, const Attributes& attributes);
  Result<> add_symlink(const EntryPath& path, const std::string& target,
                       const Attributes& attributes);
  Result<> add_fifo(const EntryPath& path, const Attributes& attributes);
  // `target` is a path of the archive; it must exist in this layer and be no folder.
  Result<> add_hard_link(const EntryPath& path, const EntryPath& target);
  // The name is hidden from lower layers (".wh.name" in the archive).
  Result<> add_whiteout(const EntryPath& path);
  // The folder hides everything of lower layers (".wh..wh..opq" in the archive).
  Result<> make_opaque(const std::string& folder);

  // A regular file: created empty, written through the descriptor, then finished.
  Result<base::UniqueFd> create_file(const EntryPath& path);
  Result<> finish_file(int file, const Attributes& attributes);

  // Sets the folders' times, which every later entry in them has changed.
  Result<> finish();

 private:
  struct FolderTime {
    std::string path;
    timespec mtime;
  };

  Result<int> parent_of(const EntryPath& path);
  Result<base::UniqueFd> open_folder(const std::string& path);
  Result<base::UniqueFd> make_parents(const std::string& path);
  // Clears the place for a new entry; true if a whiteout stood there.
  Result<bool> clear(int parent, const std::string& name);
  Result<> set_owner(int parent, const char* name, const Attributes& attributes) const;
  Result<> set_xattrs(int fd, const Attributes& attributes) const;

  int root_fd_;
  IdMap id_map_;
  // Archives list a folder's entries together: the last parent is the next one's, most of the time.
  std::string cached_path_;
  base::UniqueFd cached_parent_;
  bool cache_valid_ = false;  // a removal may have changed what the path leads to
  std::vector<FolderTime> folder_times_;
  std::size_t folder_times_bytes_ = 0;
};

}  // namespace msb::image::unpack
