// SPDX-License-Identifier: Apache-2.0
//
// mkfs.ext4 takes milliseconds, a sandbox shall not: an empty image is made once per size and
// copied, which touches only the 100 KiB or so that hold data. Both are written beside and renamed.
//
// The file system has no journal. Every end of a sandbox unmounts it, also a kill -9 of all that is
// ours, because the kernel does it; only a crash of the host leaves it dirty. The superblock says
// so, and e2fsck mends it before the next mount.
#include "isolation/jail/disk_image.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "base/random.h"
#include "base/sparse_file.h"
#include "base/sys.h"
#include "isolation/jail/id_map.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

constexpr int kLockPatienceSeconds = 10;
constexpr std::uint64_t kBlockBytes = 4096;

// A tool of e2fsprogs, on `image` (as its descriptor 3). The sandbox's set-up shows nothing of its
// output; its exit status says enough.
Result<base::ExitStatus> run_tool(const std::string& name, std::vector<std::string> arguments,
                                  int image) {
  std::vector<std::string> argv = {name};
  argv.insert(argv.end(), std::make_move_iterator(arguments.begin()),
              std::make_move_iterator(arguments.end()));
  argv.emplace_back("/proc/self/fd/3");
  for (const char* folder : {"/usr/sbin/", "/sbin/"}) {
    if (::access((folder + name).c_str(), X_OK) != 0) {
      continue;
    }
    base::ChildProcess child = TRY(base::ChildProcess::spawn({.path = folder + name,
                                                              .argv = argv,
                                                              .env = std::vector<std::string>{},
                                                              .fds = {{image, 3}}}));
    return TRY(child.wait());
  }
  return fail(ErrorCode::kUnsupported,
              name + " is not installed: the writable layer needs e2fsprogs");
}

Result<> rename_in(int folder, const std::string& from, const std::string& to) {
  if (::renameat(folder, from.c_str(), folder, to.c_str()) < 0) {
    return std::unexpected(sys::error("rename", to));
  }
  return {};
}

Result<base::UniqueFd> make_template(int templates_fd, const std::string& name,
                                     std::uint64_t size_bytes) {
  // Several sandboxes may do this at once, each of which is process 1; each renames a whole image.
  const std::string draft = name + "." + TRY(base::random_id());
  base::UniqueFd image = TRY(sys::openat(templates_fd, draft, O_RDWR | O_CREAT | O_EXCL, 0600));
  const auto build = [&]() -> Result<> {
    TRY(sys::ftruncate(image.get(), static_cast<off_t>(size_bytes)));
    // No journal: see above. No checksums: they tell of disks that lie, and make a repair harder.
    // No resize inode, no reserved blocks: nobody uses them. The inode tables stay holes: 'lazy'
    // leaves them to the kernel, which is told at the mount to leave them alone, and uninit_bg
    // says they need not be read.
    const std::string owner = std::to_string(kStoreBase);
    const base::ExitStatus made =
        TRY(run_tool("mkfs.ext4",
                     {"-q", "-F", "-b", std::to_string(kBlockBytes), "-i", "16384", "-I", "256",
                      "-m", "0", "-O", "^has_journal,^resize_inode,^metadata_csum,uninit_bg", "-E",
                      "lazy_itable_init=1,nodiscard,root_owner=" + owner + ":" + owner},
                     image.get()));
    if (!made.success()) {
      return fail(ErrorCode::kIo, "mkfs.ext4: " + made.text());
    }
    TRY(sys::fsync(image.get()));
    return rename_in(templates_fd, draft, name);
  };
  if (auto built = build(); !built) {
    ::unlinkat(templates_fd, draft.c_str(), 0);
    return std::unexpected(std::move(built).error());
  }
  return image;
}

Result<base::UniqueFd> open_template(int templates_fd, std::uint64_t size_bytes) {
  const std::string name = "ext4-" + std::to_string(size_bytes) + ".img";
  auto image = sys::openat(templates_fd, name, O_RDONLY | O_NOFOLLOW);
  if (!image && image.error().is(ErrorCode::kNotFound)) {
    return make_template(templates_fd, name, size_bytes);
  }
  return image;
}

Result<> copy_image(int writable_fd, int source) {
  const std::string draft = std::string(kDiskImageName) + ".new";
  // What a killed start has left, or a link that somebody has put there: never written through.
  ::unlinkat(writable_fd, draft.c_str(), 0);
  const base::UniqueFd image =
      TRY(sys::openat(writable_fd, draft, O_RDWR | O_CREAT | O_EXCL, 0600));
  TRY(base::copy_sparse_file(source, image.get()));
  return rename_in(writable_fd, draft, kDiskImageName);
}

Result<> make_image(int writable_fd, int templates_fd, std::uint64_t size_bytes) {
  size_bytes -= size_bytes % kBlockBytes;
  const base::UniqueFd empty =
      TRY_WRAP(open_template(templates_fd, size_bytes), "make an empty disk image");
  return copy_image(writable_fd, empty.get());
}

// flock() that ends with EINTR after a while, by a signal whose handler does nothing.
Result<> lock(int image) {
  if (::flock(image, LOCK_EX | LOCK_NB) == 0) {
    return {};
  }
  struct sigaction quiet{};
  quiet.sa_handler = [](int) {};
  struct sigaction before{};
  ::sigaction(SIGALRM, &quiet, &before);
  ::alarm(kLockPatienceSeconds);
  const int locked = ::flock(image, LOCK_EX);
  const int lock_errno = errno;
  ::alarm(0);
  ::sigaction(SIGALRM, &before, nullptr);
  if (locked == 0) {
    return {};
  }
  if (lock_errno == EINTR) {
    return fail(ErrorCode::kConflict, "the writable layer is still in use by another sandbox");
  }
  return std::unexpected(sys::error_of(lock_errno, "flock", kDiskImageName));
}

// The folder is the engine's to write to, and the engine is not always to be trusted: another name
// of a file elsewhere would be mounted, and mended.
Result<> check_own(int image) {
  const struct stat status = TRY(sys::fstat(image));
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1) {
    return fail(ErrorCode::kCorrupt,
                std::string(kDiskImageName) + ": not a regular file of one name");
  }
  return {};
}

// Whether the last unmount was a proper one.
Result<bool> is_clean(int image) {
  constexpr off_t kSuperblock = 1024;
  constexpr std::size_t kMagicOffset = 0x38;
  constexpr std::size_t kStateOffset = 0x3a;
  constexpr std::uint16_t kMagic = 0xef53;
  constexpr std::uint16_t kValid = 1;
  constexpr std::uint16_t kErrors = 2;
  std::array<std::byte, 64> block{};
  const std::size_t size = TRY(sys::pread(image, block, kSuperblock));
  const auto field = [&](std::size_t offset) {
    std::uint16_t value = 0;
    std::memcpy(&value, block.data() + offset, sizeof value);
    return value;
  };
  return size == block.size() && field(kMagicOffset) == kMagic &&
         (field(kStateOffset) & (kValid | kErrors)) == kValid;
}

Result<> repair(int image) {
  // Bits of e2fsck's exit status: 1 errors corrected, 2 corrected and the host should reboot.
  constexpr int kMended = 1 | 2;
  base::ExitStatus checked = TRY(run_tool("e2fsck", {"-p"}, image));
  if (!checked.signaled && (checked.code & ~kMended) != 0) {
    // What 'preen' would ask a person about: the sandbox's files matter less than a sandbox that
    // starts.
    checked = TRY(run_tool("e2fsck", {"-f", "-y"}, image));
  }
  if (checked.signaled || (checked.code & ~kMended) != 0) {
    return fail(ErrorCode::kCorrupt, "the writable layer is damaged and e2fsck (" + checked.text() +
                                         ") cannot repair it: remove the sandbox to start afresh");
  }
  return {};
}

}  // namespace

Result<base::UniqueFd> open_disk_image(int writable_fd, int templates_fd,
                                       std::uint64_t size_bytes) {
  auto opened = sys::openat(writable_fd, kDiskImageName, O_RDWR | O_NOFOLLOW);
  if (!opened && opened.error().is(ErrorCode::kNotFound)) {
    TRY(make_image(writable_fd, templates_fd, size_bytes));
    opened = sys::openat(writable_fd, kDiskImageName, O_RDWR | O_NOFOLLOW);
  }
  base::UniqueFd image = TRY(std::move(opened));
  TRY(check_own(image.get()));
  TRY(lock(image.get()));
  if (!TRY(is_clean(image.get()))) {
    TRY(repair(image.get()));
  }
  return image;
}

Result<base::UniqueFd> copy_disk_image(int writable_fd, int source) {
  if (::faccessat(writable_fd, kDiskImageName, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    return fail(ErrorCode::kAlreadyExists, std::string(kDiskImageName) + ": is there already");
  }
  TRY(copy_image(writable_fd, source));
  base::UniqueFd image = TRY(sys::openat(writable_fd, kDiskImageName, O_RDWR | O_NOFOLLOW));
  TRY(check_own(image.get()));
  TRY(lock(image.get()));
  return image;
}

}  // namespace msb::isolation::jail
