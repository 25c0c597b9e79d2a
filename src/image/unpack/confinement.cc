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
#include <seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>

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

Result<> set_limits() {
  TRY(limit(RLIMIT_CORE, 0));
  TRY(limit(RLIMIT_NOFILE, kMaxOpenFiles));
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

// Keeps the capabilities in `kept` (a bit mask), also out of the bounding set.
Result<> keep_capabilities(std::uint64_t kept) {
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if ((kept >> capability & 1) == 0 && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0 &&
        errno != EPERM) {  // Nothing to drop from: the process has no CAP_SETPCAP.
      return std::unexpected(sys::error("prctl(PR_CAPBSET_DROP)"));
    }
  }
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (std::size_t word = 0; word < 2; ++word) {
    const auto bits = static_cast<std::uint32_t>(kept >> (32 * word));
    data[word] = {.effective = bits, .permitted = bits, .inheritable = 0};
  }
  return done(::syscall(SYS_capset, &header, data), "capset");
}

constexpr int kStreamCalls[] = {SCMP_SYS(read),           SCMP_SYS(write),
                                SCMP_SYS(writev),         SCMP_SYS(close),
                                SCMP_SYS(lseek),          SCMP_SYS(fstat),
                                SCMP_SYS(newfstatat),     SCMP_SYS(brk),
                                SCMP_SYS(munmap),         SCMP_SYS(mremap),
                                SCMP_SYS(madvise),        SCMP_SYS(futex),
                                SCMP_SYS(exit),           SCMP_SYS(exit_group),
                                SCMP_SYS(rt_sigreturn),   SCMP_SYS(rt_sigaction),
                                SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack),
                                SCMP_SYS(getpid),         SCMP_SYS(gettid),
                                SCMP_SYS(tgkill),         SCMP_SYS(clock_gettime),
                                SCMP_SYS(getrandom),      SCMP_SYS(sched_yield),
                                SCMP_SYS(rseq),           SCMP_SYS(set_robust_list)};

constexpr int kFolderCalls[] = {
    SCMP_SYS(openat2),  SCMP_SYS(openat),    SCMP_SYS(pwrite64),  SCMP_SYS(ftruncate),
    SCMP_SYS(mkdirat),  SCMP_SYS(mknodat),   SCMP_SYS(symlinkat), SCMP_SYS(linkat),
    SCMP_SYS(unlinkat), SCMP_SYS(fchown),    SCMP_SYS(fchownat),  SCMP_SYS(fchmod),
    SCMP_SYS(fchmodat), SCMP_SYS(utimensat), SCMP_SYS(fsetxattr), SCMP_SYS(getdents64),
    SCMP_SYS(fcntl),    SCMP_SYS(dup),       SCMP_SYS(statx)};

Result<> filter_calls(std::span<const int> more) {
  const std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter(
      ::seccomp_init(SCMP_ACT_ERRNO(EPERM)), ::seccomp_release);
  if (filter == nullptr) {
    return fail(ErrorCode::kResourceExhausted, "seccomp_init");
  }
  int result = 0;
  const auto allow = [&](int call) {
    if (result == 0) {
      result = ::seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
    }
  };
  for (const int call : kStreamCalls) {
    allow(call);
  }
  for (const int call : more) {
    allow(call);
  }
  // Memory, but none that can be executed.
  const scmp_arg_cmp not_executable{2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0};
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) {
    if (result == 0) {
      result = ::seccomp_rule_add_array(filter.get(), SCMP_ACT_ALLOW, call, 1, &not_executable);
    }
  }
  if (result == 0) {
    result = ::seccomp_load(filter.get());
  }
  if (result != 0) {
    return std::unexpected(sys::error_of(-result, "seccomp filter"));
  }
  return {};
}

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
  TRY(keep_capabilities(0));
  TRY(set_limits());
  TRY(die_with_parent());  // A change of identity has cleared it.
  TRY(done(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)"));
  return filter_calls({});
}

Result<IdMap> confine_to_folder(int root_fd) {
  // A new mount namespace takes the working folder along; a descriptor would stay with the old one.
  TRY(done(::fchdir(root_fd), "fchdir"));
  const IdMap map = TRY(enter_user_namespace(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC));
  TRY(pivot_into_working_folder());
  // The old descriptor has the way up to the host's files; the number gets the new root's.
  const base::UniqueFd root = TRY(sys::open("/", O_RDONLY | O_DIRECTORY));
  TRY(done(::dup3(root.get(), root_fd, O_CLOEXEC), "dup3"));
  constexpr std::uint64_t kKept =
      1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_FOWNER | 1u << CAP_FSETID;
  TRY(keep_capabilities(kKept));
  TRY(set_limits());
  TRY(die_with_parent());
  TRY(done(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl(PR_SET_NO_NEW_PRIVS)"));
  TRY(filter_calls(kFolderCalls));
  return map;
}

}  // namespace msb::image::unpack
