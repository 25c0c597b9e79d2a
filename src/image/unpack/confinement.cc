// SPDX-License-Identifier: Apache-2.0
//
// The order matters: namespaces first (they need the parent's rights), then the root, then the
// capabilities, then the filter, which forbids all of the steps before it.
#include "image/unpack/confinement.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/privileges.h"
#include "base/sys.h"
#include "image/unpack/protocol.h"

namespace msb::image::unpack {
namespace {

namespace sys = base::sys;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kAddressSpaceIsOurs = false;  // a sanitizer reserves terabytes of it
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kAddressSpaceIsOurs = false;
#else
constexpr bool kAddressSpaceIsOurs = true;
#endif
#else
constexpr bool kAddressSpaceIsOurs = true;
#endif

// zstd windows go to 128 MiB; the folders' times of a large layer need some tens of MiB.
constexpr rlim_t kMaxAddressSpaceBytes = 1u << 30;
constexpr rlim_t kMaxOpenFiles = 512;

Result<> done(long result, std::string_view call) {
  if (result < 0) {
    return std::unexpected(sys::error(call));
  }
  return {};
}

Result<> limit(decltype(RLIMIT_CORE) resource, rlim_t value) {
  const rlimit both{value, value};
  return done(::setrlimit(resource, &both), "setrlimit");
}

// The first warns, by SIGXCPU, which tells whoever started us why; the second would only kill.
Result<> limit_processor_time() {
  constexpr rlim_t kLastWordsSeconds = 5;
  rlimit time{};
  TRY(done(::getrlimit(RLIMIT_CPU, &time), "getrlimit"));
  // No more than what was given to us, if that is less.
  time.rlim_cur = std::min<rlim_t>(time.rlim_cur, kMaxProcessorSeconds);
  time.rlim_max = std::min<rlim_t>(time.rlim_max, time.rlim_cur + kLastWordsSeconds);
  return done(::setrlimit(RLIMIT_CPU, &time), "setrlimit");
}

Result<> set_limits() {
  TRY(limit(RLIMIT_CORE, 0));
  TRY(limit(RLIMIT_NOFILE, kMaxOpenFiles));
  TRY(limit_processor_time());
  if (kAddressSpaceIsOurs) {
    TRY(limit(RLIMIT_AS, kMaxAddressSpaceBytes));
  }
  return {};
}

// Makes the working folder the root of this mount namespace, in which nothing else stays mounted.
Result<> pivot_into_working_folder() {
  TRY(done(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "mount(private)"));
  const base::UniqueFd tree(static_cast<int>(
      ::syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)));
  TRY(done(tree.get(), "open_tree"));
  TRY(done(::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, ".", MOVE_MOUNT_F_EMPTY_PATH),
           "move_mount"));
  TRY(done(::fchdir(tree.get()), "fchdir"));
  TRY(done(::syscall(SYS_pivot_root, ".", "."), "pivot_root"));
  TRY(done(::umount2(".", MNT_DETACH), "umount2"));
  return done(::chdir("/"), "chdir");
}

#include "unpack_filter.inc"

}  // namespace

Result<> die_with_parent() {
  return done(::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), "prctl(PR_SET_PDEATHSIG)");
}

Result<> confine_to_streams() {
  if (::geteuid() == 0) {
    TRY(done(::setgroups(0, nullptr), "setgroups"));
    TRY(done(::setresgid(kStoreIdBase, kStoreIdBase, kStoreIdBase), "setresgid"));
    TRY(done(::setresuid(kStoreIdBase, kStoreIdBase, kStoreIdBase), "setresuid"));
  }
  TRY(base::keep_capabilities(0));
  TRY(set_limits());
  TRY(die_with_parent());  // A change of identity has cleared it.
  TRY(base::forbid_new_privileges());
  return base::install_system_call_filter(kStreamFilter);
}

Result<IdMap> confine_to_folder(int root_fd) {
  // A new mount namespace takes the working folder along; a descriptor would stay with the old one.
  TRY(done(::fchdir(root_fd), "fchdir"));
  const IdMap map =
      TRY(enter_user_namespace(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC, kStoreIdBase));
  TRY(pivot_into_working_folder());
  // The old descriptor has the way up to the host's files; the number gets the new root's.
  const base::UniqueFd root = TRY(sys::open("/", O_RDONLY | O_DIRECTORY));
  TRY(done(::dup3(root.get(), root_fd, O_CLOEXEC), "dup3"));
  TRY(base::keep_capabilities(
      base::capability_set({CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID})));
  TRY(set_limits());
  TRY(die_with_parent());
  TRY(base::forbid_new_privileges());
  TRY(base::install_system_call_filter(kFolderFilter));
  return map;
}

// The owner that a sandbox's files have as they are seen through this mount. Asked of a folder that
// the sandbox has no name for: its own could be anybody's inside.
Result<std::uint32_t> owner_of_layer(int layer_fd) {
  struct stat status{};
  TRY(done(::fstatat(layer_fd, "work", &status, AT_SYMLINK_NOFOLLOW), "fstatat(work)"));
  const bool is_known = status.st_uid >= kStoreIdBase && status.st_uid == status.st_gid &&
                        (status.st_uid - kStoreIdBase) % kStoreIdCount == 0;
  if (::geteuid() == 0 && !is_known) {
    return fail(
        ErrorCode::kUnsupported,
        "the writable layer belongs to " + std::to_string(status.st_uid) + ", which is no sandbox");
  }
  return status.st_uid;
}

// Not by a new root mount: the layer may be mounted in another mount namespace, from which nothing
// can be taken. Whoever is in here has no descriptor of a folder above, and cannot make itself
// another root.
Result<> confine_to_reading(int layer_fd) {
  constexpr const char* kUpper = "upper";
  const std::uint32_t owner = TRY(owner_of_layer(layer_fd));
  {
    const base::UniqueFd upper =
        TRY(sys::openat(layer_fd, kUpper, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(done(::fchdir(upper.get()), "fchdir"));
  }
  static_cast<void>(TRY(enter_user_namespace(CLONE_NEWNET | CLONE_NEWIPC, owner)));
  struct stat work{};
  TRY(done(::fstatat(layer_fd, "work", &work, AT_SYMLINK_NOFOLLOW), "fstatat(work)"));
  if (work.st_uid != 0) {
    return fail(ErrorCode::kUnsupported, "the files of this sandbox are not this user's to read");
  }
  TRY(done(::chroot("."), "chroot"));
  TRY(done(::chdir("/"), "chdir"));
  const base::UniqueFd root = TRY(sys::open("/", O_RDONLY | O_DIRECTORY));
  TRY(done(::dup3(root.get(), layer_fd, O_CLOEXEC), "dup3"));
  TRY(base::keep_capabilities(base::capability_set({CAP_DAC_READ_SEARCH})));
  TRY(set_limits());
  TRY(die_with_parent());
  TRY(base::forbid_new_privileges());
  return base::install_system_call_filter(kReadFilter);
}

}  // namespace msb::image::unpack
