// SPDX-License-Identifier: Apache-2.0
#include "image/unpack/tree_remover.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "base/sys.h"
#include "image/printable.h"
#include "image/unpack/entry_path.h"
#include "image/unpack/folder_stream.h"

namespace msb::image::unpack {
namespace {

namespace sys = base::sys;

}  // namespace

// Depth first, with the streams of the folders above on a stack: no deeper than a tree can be that
// came out of an archive.
Result<> empty_folder(int folder_fd) {
  struct Level {
    FolderStream stream;
    std::string name;
  };
  std::vector<Level> levels;
  levels.push_back({TRY(open_stream(folder_fd, ".")), ""});
  while (!levels.empty()) {
    DIR* const stream = levels.back().stream.get();
    const int fd = ::dirfd(stream);  // of an open stream: never negative
    errno = 0;
    const dirent* const entry = ::readdir(stream);
    if (entry == nullptr) {
      if (errno != 0) {
        return std::unexpected(sys::error("readdir", printable(levels.back().name)));
      }
      const std::string name = std::move(levels.back().name);
      levels.pop_back();
      if (!levels.empty() &&
          // NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions)
          ::unlinkat(::dirfd(levels.back().stream.get()), name.c_str(), AT_REMOVEDIR) < 0) {
        return std::unexpected(sys::error("unlinkat", printable(name)));
      }
      continue;
    }
    const std::string name = entry->d_name;
    if (name == "." || name == "..") {
      continue;
    }
    if (entry->d_type != DT_DIR) {
      // NOLINTNEXTLINE(clang-analyzer-unix.StdCLibraryFunctions)
      if (::unlinkat(fd, name.c_str(), 0) == 0) {
        continue;
      }
      if (errno != EISDIR) {
        return std::unexpected(sys::error("unlinkat", printable(name)));
      }
    }
    if (levels.size() > kMaxPathDepth) {
      return fail(ErrorCode::kCorrupt, "folders nested too deep");
    }
    levels.push_back({TRY(open_stream(fd, name)), name});
  }
  return {};
}

Result<> remove_folder_at(int parent_fd, const std::string& name) {
  const base::UniqueFd folder =
      TRY(sys::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  TRY(empty_folder(folder.get()));
  if (::unlinkat(parent_fd, name.c_str(), AT_REMOVEDIR) < 0) {
    return std::unexpected(sys::error("unlinkat", printable(name)));
  }
  return {};
}

}  // namespace msb::image::unpack
