// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/sys.h"

namespace msb::isolation::jail {

namespace sys = base::sys;

Result<base::UniqueFd> clone_mount(int dir_fd, const std::string& path) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
                         (path.empty() ? unsigned{AT_EMPTY_PATH} : 0u);
  const int fd = ::open_tree(dir_fd, path.c_str(), flags);
  if (fd < 0) {
    return std::unexpected(sys::error("open_tree", path));
  }
  return base::UniqueFd(fd);
}

Result<> set_attributes(int mount_fd, const MountAttributes& attributes) {
  mount_attr attr{};
  attr.attr_set = attributes.set;
  if ((attributes.set & MOUNT_ATTR__ATIME) != 0) {
    // These are values of one field, not flags: the old one must be cleared by name.
    attr.attr_clr = MOUNT_ATTR__ATIME;
  }
  attr.propagation = MS_PRIVATE;
  if (attributes.id_map >= 0) {
    attr.attr_set |= MOUNT_ATTR_IDMAP;
    attr.userns_fd = static_cast<std::uint64_t>(attributes.id_map);
  }
  if (::mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr, sizeof attr) < 0) {
    return std::unexpected(
        sys::error(attributes.id_map >= 0 ? "mount_setattr(idmap)" : "mount_setattr"));
  }
  return {};
}

Result<> attach(int mount_fd, int target_fd, const std::string& target) {
  const unsigned flags =
      MOVE_MOUNT_F_EMPTY_PATH | (target.empty() ? unsigned{MOVE_MOUNT_T_EMPTY_PATH} : 0u);
  if (::move_mount(mount_fd, "", target_fd, target.c_str(), flags) < 0) {
    return std::unexpected(sys::error("move_mount", target));
  }
  return {};
}

Result<base::UniqueFd> open_path(int dir_fd, const std::string& path) {
  return sys::openat(dir_fd, path, O_PATH | O_NOFOLLOW);
}

Result<FileSystemContext> FileSystemContext::create(const std::string& type) {
  const int fd = ::fsopen(type.c_str(), FSOPEN_CLOEXEC);
  if (fd < 0) {
    return std::unexpected(sys::error("fsopen", type));
  }
  return FileSystemContext(type, base::UniqueFd(fd));
}

Result<FileSystemContext> FileSystemContext::pick(int mount_fd) {
  const int fd = ::fspick(mount_fd, "", FSPICK_EMPTY_PATH | FSPICK_CLOEXEC);
  if (fd < 0) {
    return std::unexpected(sys::error("fspick"));
  }
  return FileSystemContext("remount", base::UniqueFd(fd));
}

Result<> FileSystemContext::set(const char* key, const std::string& value) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key, value.c_str(), 0) < 0) {
    return std::unexpected(
        error(std::string("fsconfig(") + type_ + ", " + key + "=" + value + ")"));
  }
  return {};
}

Result<> FileSystemContext::set(
    std::initializer_list<std::pair<const char*, std::string>> options) {
  for (const auto& [key, value] : options) {
    TRY(set(key, value));
  }
  return {};
}

Result<> FileSystemContext::flag(const char* key) {
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key, nullptr, 0) < 0) {
    return std::unexpected(error(std::string("fsconfig(") + type_ + ", " + key + ")"));
  }
  return {};
}

Result<> FileSystemContext::reconfigure() {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) < 0) {
    return std::unexpected(error("fsconfig(" + type_ + ")"));
  }
  return {};
}

Result<base::UniqueFd> FileSystemContext::mount(std::uint64_t attributes) {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) < 0) {
    return std::unexpected(error("mount(" + type_ + ")"));
  }
  const int fd = ::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes));
  if (fd < 0) {
    return std::unexpected(error("fsmount(" + type_ + ")"));
  }
  return base::UniqueFd(fd);
}

Error FileSystemContext::error(const std::string& call) const {
  const int saved_errno = errno;
  std::string text = call;
  // Each read gives one message: "e overlay: ..." (error), "w ..." (warning), "i ..." (info).
  std::array<char, 512> message{};
  for (int i = 0; i < 8; ++i) {
    const ssize_t size = ::read(fd_.get(), message.data(), message.size());
    if (size <= 0) {
      break;
    }
    if (size > 2 && message[0] == 'e') {
      std::string_view line(message.data() + 2, static_cast<std::size_t>(size) - 2);
      if (line.ends_with('\n')) {
        line.remove_suffix(1);
      }
      text.append(" [").append(line).append("]");
    }
  }
  return sys::error_of(saved_errno, text);
}

Result<base::UniqueFd> make_file_system(
    const std::string& type, std::initializer_list<std::pair<const char*, std::string>> options,
    std::uint64_t attributes) {
  FileSystemContext context = TRY(FileSystemContext::create(type));
  TRY(context.set(options));
  return context.mount(attributes);
}

}  // namespace msb::isolation::jail
