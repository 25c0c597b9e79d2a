// SPDX-License-Identifier: Apache-2.0
//
// The mount system calls, on descriptors: a file system or a copy of a tree is made detached, gets
// its attributes, and is attached once it is complete. Messages that the kernel leaves in a file
// system context become part of the error.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::jail {

// A detached copy of the mount at (`dir_fd`, `path`), without what is mounted beneath it. An empty
// path means `dir_fd` itself.
Result<base::UniqueFd> clone_mount(int dir_fd, const std::string& path);

struct MountAttributes {
  std::uint64_t set = 0;  // MOUNT_ATTR_*
  int id_map = -1;        // a user namespace to map ids through; -1: none
};
// Also makes the mount private: nothing that happens to it is seen elsewhere.
Result<> set_attributes(int mount_fd, const MountAttributes& attributes);

// Attaches a detached mount (or moves an attached one) onto what `target_fd` refers to, or onto the
// name `target` in it.
Result<> attach(int mount_fd, int target_fd, const std::string& target = {});

// The mount at `dir_fd`/`path`, as an O_PATH descriptor.
Result<base::UniqueFd> open_path(int dir_fd, const std::string& path);

// A file system being configured.
class FileSystemContext {
 public:
  static Result<FileSystemContext> create(const std::string& type);
  // Of the file system that is mounted there already.
  static Result<FileSystemContext> pick(int mount_fd);

  Result<> set(const char* key, const std::string& value);
  Result<> set(std::initializer_list<std::pair<const char*, std::string>> options);
  Result<> flag(const char* key);
  // Of one that was picked: makes it so.
  Result<> reconfigure();
  // Creates it, detached.
  Result<base::UniqueFd> mount(std::uint64_t attributes);

 private:
  FileSystemContext(std::string type, base::UniqueFd fd)
      : type_(std::move(type)), fd_(std::move(fd)) {}
  Error error(const std::string& call) const;

  std::string type_;
  base::UniqueFd fd_;
};

// create, set, mount in one.
Result<base::UniqueFd> make_file_system(
    const std::string& type, std::initializer_list<std::pair<const char*, std::string>> options,
    std::uint64_t attributes);

}  // namespace msb::isolation::jail
