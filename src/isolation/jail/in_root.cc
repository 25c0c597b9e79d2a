// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/in_root.h"

#include <fcntl.h>
#include <linux/openat2.h>

#include <utility>

#include "base/sys.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr mode_t kParentMode = 0755;

std::pair<std::string, std::string> split_last(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::pair(std::string("."), path)
                                    : std::pair(path.substr(0, slash), path.substr(slash + 1));
}

Result<base::UniqueFd> open_folder(int root_fd, const std::string& path) {
  return sys::openat2(root_fd, path, O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

}  // namespace

Result<base::UniqueFd> open_in_root(int root_fd, const std::string& path) {
  return sys::openat2(root_fd, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<base::UniqueFd> make_folder_in_root(int root_fd, const std::string& path, mode_t mode) {
  auto folder = open_folder(root_fd, path);
  if (folder || folder.error().sys_errno() != ENOENT) {
    return folder;
  }
  const auto [parent_path, name] = split_last(path);
  const base::UniqueFd parent =
      TRY(make_folder_in_root(root_fd, parent_path.empty() ? "." : parent_path, kParentMode));
  // Fails with "exists" on a link that leads nowhere.
  TRY(sys::mkdirat(parent.get(), name, mode));
  return open_folder(root_fd, path);
}

Result<base::UniqueFd> make_file_in_root(int root_fd, const std::string& path) {
  auto file = open_in_root(root_fd, path);
  if (file || file.error().sys_errno() != ENOENT) {
    return file;
  }
  const auto [parent_path, name] = split_last(path);
  const base::UniqueFd parent =
      TRY(make_folder_in_root(root_fd, parent_path.empty() ? "." : parent_path, kParentMode));
  TRY(sys::openat(parent.get(), name, O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0644));
  return open_in_root(root_fd, path);
}

Result<base::UniqueFd> make_top_folder(int root_fd, const std::string& name, mode_t mode) {
  auto folder = sys::open_beneath(root_fd, name, O_PATH | O_DIRECTORY);
  if (!folder && folder.error().sys_errno() == ENOENT) {
    TRY(sys::mkdirat(root_fd, name, mode));
    folder = sys::open_beneath(root_fd, name, O_PATH | O_DIRECTORY);
  }
  if (!folder && folder.error().sys_errno() == ELOOP) {
    return fail(ErrorCode::kUnsupported, "the image's /" + name + " is a link, not a folder");
  }
  return folder;
}

}  // namespace msb::isolation::jail
