// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/etc_files.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/in_root.h"
#include "isolation/name_files.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

// Writing costs a copy-up, so a second start of the same sandbox writes nothing.
bool has_content(int folder_fd, const std::string& name, std::string_view content) {
  // O_NONBLOCK: the guest may have left a fifo there.
  const auto file = sys::openat(folder_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!file) {
    return false;
  }
  const auto status = sys::fstat(file->get());
  if (!status || !S_ISREG(status->st_mode) ||
      static_cast<std::size_t>(status->st_size) != content.size()) {
    return false;
  }
  const auto present = base::read_all(file->get(), content.size());
  return present && *present == content;
}

// Replaces whatever has the name: images like to have a link there that leads out of the image.
Result<> write_file(int folder_fd, const std::string& name, std::string_view content) {
  if (has_content(folder_fd, name, content)) {
    return {};
  }
  if (::unlinkat(folder_fd, name.c_str(), 0) < 0 && errno != ENOENT) {
    return std::unexpected(sys::error("unlink", "/etc/" + name));
  }
  const base::UniqueFd file =
      TRY(sys::openat(folder_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  return base::write_all(file.get(), content);
}

}  // namespace

Result<> write_etc_files(int root_fd, const std::string& hostname) {
  const base::UniqueFd etc_path = TRY(make_folder_in_root(root_fd, "etc", 0755));
  TRY(write_file(etc_path.get(), "hostname", hostname_file(hostname)));
  TRY(write_file(etc_path.get(), "hosts", hosts_file(hostname)));
  TRY(write_file(etc_path.get(), "resolv.conf", "# No network but the loopback.\n"));
  TRY(make_folder_in_root(root_fd, "run", 0755));
  TRY(make_folder_in_root(root_fd, "tmp", 01777));
  return {};
}

}  // namespace msb::isolation::jail
