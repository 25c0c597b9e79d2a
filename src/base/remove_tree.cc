// SPDX-License-Identifier: Apache-2.0
//
// rm -r of what a guest may have made: folders nested deeper than there are descriptors, and
// folders that let nobody in, not even their owner (overlayfs makes itself one, `work/work`).
//
//   root/a/b/.../y/z   as many folders are open at once as a path has; from kMaxOpenFolders on,
//   root/deep-0        z is moved to the top, and removed from there
//
// Everything is done by a descriptor of the folder that a name is in, and no link is followed: who
// exchanges names meanwhile has at most what he put there removed.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/sys.h"

namespace msb::base {
namespace {

constexpr int kMaxOpenFolders = 64;

struct CloseStream {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using Stream = std::unique_ptr<DIR, CloseStream>;

// Lets the owner of a folder in, which nobody else can. It cannot be opened for that, and
// fchmod(2) takes no descriptor of O_PATH.
void open_to_owner(int parent, const char* name) {
  const UniqueFd folder(::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (folder) {
    const std::string path = "/proc/self/fd/" + std::to_string(folder.get());
    static_cast<void>(::chmod(path.c_str(), 0700));
  }
}

// The call, again and again as long as there is a mode that may be what refuses it: that of the
// folder `parent`, or that of `name` in it.
template <typename Call>
auto opening_to_owner(int parent, const char* name, const Call& call) {
  const auto refused = [](auto result) { return result < 0 && errno == EACCES; };
  auto result = call();
  if (refused(result) && parent >= 0) {  // AT_FDCWD: where the tree is, is not ours to open
    static_cast<void>(::fchmod(parent, 0700));
    result = call();
  }
  if (refused(result)) {
    open_to_owner(parent, name);
    result = call();
  }
  return result;
}

class Removal {
 public:
  explicit Removal(const std::string& path) : path_(path) {}

  Result<> run() {
    if (::unlinkat(AT_FDCWD, path_.c_str(), 0) == 0 || errno == ENOENT || errno == ENOTDIR) {
      return {};
    }
    if (errno != EISDIR) {
      return std::unexpected(failed("unlinkat"));
    }
    if (::unlinkat(AT_FDCWD, path_.c_str(), AT_REMOVEDIR) == 0) {
      return {};
    }
    Stream top = TRY(open(AT_FDCWD, path_.c_str()));
    top_ = ::dirfd(top.get());
    do {
      has_moved_ = false;
      ::rewinddir(top.get());
      TRY(empty(top.get(), 1));
    } while (has_moved_);
    top.reset();
    return remove(AT_FDCWD, path_.c_str());
  }

 private:
  // Says the tree's path: a name inside is a guest's, and nothing to print.
  Error failed(const char* call) const { return sys::error(call, path_); }

  Result<Stream> open(int parent, const char* name) const {
    UniqueFd fd(opening_to_owner(parent, name, [&] {
      return ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    }));
    Stream stream(fd ? ::fdopendir(fd.get()) : nullptr);
    if (stream == nullptr) {
      return std::unexpected(failed("openat"));
    }
    static_cast<void>(fd.release());  // the stream closes it
    return stream;
  }

  Result<> remove(int parent, const char* name) const {
    const int removed =
        opening_to_owner(parent, name, [&] { return ::unlinkat(parent, name, AT_REMOVEDIR); });
    return removed == 0 || errno == ENOENT ? Result<>() : std::unexpected(failed("rmdir"));
  }

  Result<> empty(DIR* folder, int open_folders) {
    for (;;) {
      errno = 0;
      const dirent* const entry = ::readdir(folder);
      if (entry == nullptr) {
        return errno == 0 ? Result<>() : std::unexpected(failed("readdir"));
      }
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") {
        TRY(take(::dirfd(folder), entry->d_name, entry->d_type, open_folders));
      }
    }
  }

  Result<> take(int parent, const char* name, unsigned char type, int open_folders) {
    if (type != DT_DIR) {
      const int removed =
          opening_to_owner(parent, name, [&] { return ::unlinkat(parent, name, 0); });
      if (removed == 0 || errno == ENOENT) {
        return {};
      }
      if (errno != EISDIR) {
        return std::unexpected(failed("unlinkat"));
      }
    }
    // An empty one need not be opened.
    if (::unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
      return {};
    }
    if (open_folders == kMaxOpenFolders) {
      return move_to_top(parent, name);
    }
    {
      const Stream folder = TRY(open(parent, name));
      TRY(empty(folder.get(), open_folders + 1));
    }
    return remove(parent, name);
  }

  Result<> move_to_top(int parent, const char* name) {
    for (;;) {
      const std::string free = "deep-" + std::to_string(moved_++);
      const int moved = opening_to_owner(
          parent, name, [&] { return ::renameat(parent, name, top_, free.c_str()); });
      if (moved == 0) {
        has_moved_ = true;
        return {};
      }
      // There is something of that name: each is met once.
      if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR) {
        return std::unexpected(failed("renameat"));
      }
    }
  }

  const std::string& path_;
  int top_ = -1;
  unsigned long moved_ = 0;
  bool has_moved_ = false;
};

}  // namespace

Result<> remove_tree(const std::string& path) {
  return Removal(path).run();
}

}  // namespace msb::base
