// SPDX-License-Identifier: Apache-2.0
#include "isolation/jail/proc_files.h"

#include <fcntl.h>
#include <sys/mount.h>

#include <optional>
#include <string>

#include "base/sys.h"
#include "isolation/jail/in_root.h"
#include "isolation/jail/mounts.h"

namespace msb::isolation::jail {
namespace {

constexpr std::uint64_t kProcAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

// The named thing in /proc, if this kernel has it.
std::optional<base::UniqueFd> find(int proc_fd, const char* name) {
  auto found = open_path(proc_fd, name);
  return found ? std::optional(std::move(*found)) : std::nullopt;
}

Result<> cover_files(int root_fd, int proc_fd) {
  const base::UniqueFd null = TRY(open_in_root(root_fd, "dev/null"));
  for (const char* name : kCoveredFiles) {
    if (const auto target = find(proc_fd, name)) {
      const base::UniqueFd cover = TRY(clone_mount(null.get(), ""));
      TRY(attach(cover.get(), target->get()));
    }
  }
  return {};
}

// One empty folder, and copies of its mount: a file system of its own for each would cost more.
Result<> cover_folders(int proc_fd) {
  base::UniqueFd empty;
  for (const char* name : kCoveredFolders) {
    const auto target = find(proc_fd, name);
    if (!target) {
      continue;
    }
    if (!empty) {
      empty = TRY(make_file_system("tmpfs", {{"mode", "555"}, {"size", "4k"}, {"nr_inodes", "1"}},
                                   kProcAttributes | MOUNT_ATTR_RDONLY));
      TRY(attach(empty.get(), target->get()));
      continue;
    }
    const base::UniqueFd cover = TRY(clone_mount(empty.get(), ""));
    TRY(attach(cover.get(), target->get()));
  }
  return {};
}

}  // namespace

Result<> mount_proc(int root_fd) {
  const base::UniqueFd target = TRY(make_top_folder(root_fd, "proc", 0555));
  const base::UniqueFd proc = TRY(make_file_system("proc", {}, kProcAttributes));
  TRY(attach(proc.get(), target.get()));
  TRY(cover_files(root_fd, proc.get()));
  TRY(cover_folders(proc.get()));
  for (const char* name : kReadOnlyFolders) {
    if (const auto folder = find(proc.get(), name)) {
      const base::UniqueFd copy = TRY(clone_mount(folder->get(), ""));
      TRY(set_attributes(copy.get(), {.set = kProcAttributes | MOUNT_ATTR_RDONLY}));
      TRY(attach(copy.get(), folder->get()));
    }
  }
  return {};
}

}  // namespace msb::isolation::jail
