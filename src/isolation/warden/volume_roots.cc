// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/volume_roots.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <unistd.h>

#include <string_view>
#include <utility>

#include "base/sys.h"

namespace msb::isolation::warden {
namespace {

namespace sys = base::sys;

// Where the kernel says the file is: a first guess, which the opening proves.
Result<std::string> path_of(int fd) {
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  return sys::readlink(link);
}

// `path` as it is named from `root`, or nullopt.
std::optional<std::string> beneath(std::string_view path, std::string_view root) {
  while (root.ends_with('/')) {
    root.remove_suffix(1);
  }
  if (!path.starts_with(root) || (path.size() > root.size() && path[root.size()] != '/')) {
    return std::nullopt;
  }
  path.remove_prefix(root.size());
  while (path.starts_with('/')) {
    path.remove_prefix(1);
  }
  return path.empty() ? "." : std::string(path);
}

}  // namespace

Result<base::UniqueFd> VolumeRoots::admit(base::UniqueFd source) const {
  if (!roots_) {
    return source;
  }
  const struct stat wanted = TRY(sys::fstat(source.get()));
  const std::string path = TRY(path_of(source.get()));
  for (const std::string& root : *roots_) {
    const auto rest = beneath(path, root);
    if (!rest) {
      continue;
    }
    const auto folder = sys::openat2(AT_FDCWD, root, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
    if (!folder) {
      continue;
    }
    auto found = sys::open_beneath(folder->get(), *rest, O_PATH);
    if (!found) {
      continue;
    }
    const struct stat present = TRY(sys::fstat(found->get()));
    if (present.st_dev == wanted.st_dev && present.st_ino == wanted.st_ino) {
      return std::move(*found);
    }
  }
  return fail(ErrorCode::kPermissionDenied, "not beneath a volume root of this server");
}

}  // namespace msb::isolation::warden
