// SPDX-License-Identifier: Apache-2.0
//
// Docker's default filter less everything that needs a capability no guest has, less what has been
// a door out of containers: new namespaces, mounts, bpf, keyrings, io_uring, userfaultfd, perf.
//
//   allowed                what programs need
//   EPERM                  known and refused: programs ask, and go on without
//   ENOSYS                 all others, and what the kernel will learn later: programs fall back
//   killed                 calls of another architecture (32-bit, x32): none of ours makes one
//
// ptrace and process_vm_* are allowed: debuggers are useful, since Linux 4.8 a tracer cannot lift
// its tracee's filter, and the pid namespace holds nothing but the sandbox's own processes.
// Asynchronous I/O (io_setup) is ENOSYS because the kernel counts its requests for the whole host:
// one sandbox could take all. clone3 is ENOSYS because its flags are behind a pointer, where no
// filter sees them; C libraries fall back to clone.
//
// This is a program of the build: libseccomp takes 3 ms to compile the policy, which is the same
// for every sandbox, so the warden gets the result as a table (system_calls.cc) and starts without.

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "base/sys.h"
#include "base/try.h"

namespace msb::isolation::jail {
namespace {

namespace sys = base::sys;

// Names unknown to this architecture, or to the libseccomp of the build, are passed over.
// clang-format off
constexpr const char* kAllowed[] = {
    // files
    "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat",
    "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
    "fchmod", "fchmodat", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr", "flistxattr",
    "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate", "futimesat",
    "getcwd", "getdents", "getdents64", "getxattr", "ioctl", "lchown", "lgetxattr", "link",
    "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir",
    "mkdirat", "mknod", "mknodat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv",
    "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat",
    "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir", "sendfile", "setxattr",
    "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync", "sync_file_range",
    "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime", "utimensat", "utimes",
    "vmsplice", "write", "writev", "chroot",
    // waiting for them
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2",
    "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select",
    "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // memory
    "brk", "get_mempolicy", "madvise", "mbind", "membarrier", "memfd_create", "memfd_secret",
    "mincore", "mlock", "mlock2", "mlockall", "mmap", "mprotect", "mremap", "msync", "munlock",
    "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "process_madvise",
    "process_mrelease", "remap_file_pages", "set_mempolicy", "set_mempolicy_home_node",
    // processes and threads
    "arch_prctl", "capget", "capset", "clone", "execve", "execveat", "exit", "exit_group", "fork",
    "futex", "futex_waitv", "get_robust_list", "get_thread_area", "getcpu", "getegid", "geteuid",
    "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
    "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "ioprio_get",
    "ioprio_set", "kill", "landlock_add_rule", "landlock_create_ruleset",
    "landlock_restrict_self", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "prctl",
    "prlimit64", "process_vm_readv", "process_vm_writev", "ptrace", "restart_syscall", "rseq",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
    "set_robust_list", "set_thread_area", "set_tid_address", "setfsgid", "setfsuid", "setgid",
    "setgroups", "setpgid", "setpriority", "setregid", "setresgid", "setresuid", "setreuid",
    "setrlimit", "setsid", "setuid", "sysinfo", "tgkill", "times", "tkill", "uname", "vfork",
    "wait4", "waitid", "waitpid",
    // signals and time
    "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday",
    "nanosleep", "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
    "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "setitimer",
    "sigaltstack", "time", "timer_create", "timer_delete", "timer_getoverrun", "timer_gettime",
    "timer_settime",
    // sockets and IPC of the sandbox's own
    "accept", "accept4", "bind", "connect", "getpeername", "getrandom", "getsockname",
    "getsockopt", "listen", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
    "mq_timedsend", "mq_unlink", "msgctl", "msgget", "msgrcv", "msgsnd", "recvfrom", "recvmmsg",
    "recvmsg", "semctl", "semget", "semop", "semtimedop", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "socket", "socketpair",
};
// clang-format on

// Younger than the libseccomp in use may know; their numbers are the same on every architecture.
constexpr int kFchmodat2 = 452;
constexpr int kAllowedByNumber[] = {
    451,  // cachestat
    kFchmodat2,
    454,  // futex_wake
    455,  // futex_wait
    456,  // futex_requeue
    462,  // mseal
};

// clang-format off
constexpr const char* kRefused[] = {
    "acct", "add_key", "adjtimex", "bpf", "clock_adjtime", "clock_settime", "delete_module",
    "fanotify_init", "fanotify_mark", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick",
    "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
    "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "migrate_pages", "mount",
    "mount_setattr", "move_mount", "move_pages", "name_to_handle_at", "nfsservctl",
    "open_by_handle_at", "open_tree", "perf_event_open", "pivot_root", "quotactl", "quotactl_fd",
    "reboot", "request_key", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff",
    "swapon", "syslog", "umount", "umount2", "unshare", "userfaultfd", "vhangup",
};
// clang-format on

// PER_LINUX, PER_LINUX32, UNAME26 with either, ADDR_NO_RANDOMIZE (debuggers), and "tell me".
constexpr scmp_datum_t kPersonalities[] = {0, 8, 0x20000, 0x20008, 0x40000, 0xffffffff};

constexpr scmp_datum_t kNamespaceFlags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                            CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                            CLONE_NEWNET};

constexpr scmp_datum_t kTerminalInjections[] = {TIOCSTI, 0x541c /* TIOCLINUX */};

// Conditions on an argument. The kernel looks at the low half of an int; a compare of all 64 bits
// could be passed by with a bit in the high half.
scmp_arg_cmp equals(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
scmp_arg_cmp differs(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_NE, value, 0};
}
scmp_arg_cmp has_bits(unsigned argument, scmp_datum_t bits) {
  return {argument, SCMP_CMP_MASKED_EQ, bits, bits};
}
scmp_arg_cmp low_half_equals(unsigned argument, scmp_datum_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, 0xffffffff, value};
}

scmp_arg_cmp is_not_null(unsigned argument) {
  return {argument, SCMP_CMP_NE, 0, 0};
}
constexpr bool is_allowed_family(int family) {
  return family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
}

class Program {
 public:
  explicit Program(std::uint32_t default_action)
      : context_(::seccomp_init(default_action), &::seccomp_release) {
    if (context_) {
      // Foreign architectures, x32 among them.
      note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS));
      // A balanced tree over the numbers instead of a chain of some 300 compares.
      note(::seccomp_attr_set(context_.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2));
    }
  }

  template <typename... Conditions>
  void add(std::uint32_t action, int number, Conditions... conditions) {
    if (context_) {
      note(
          ::seccomp_rule_add(context_.get(), action, number, sizeof...(conditions), conditions...));
    }
  }

  template <typename... Conditions>
  void add(std::uint32_t action, const char* name, Conditions... conditions) {
    // Negative: not a call of this architecture.
    if (const int number = ::seccomp_syscall_resolve_name(name); number >= 0) {
      add(action, number, conditions...);
    }
  }

  Result<std::vector<sock_filter>> finish() {
    if (!context_ || failure_ < 0) {
      return std::unexpected(sys::error_of(context_ ? -failure_ : ENOMEM, "libseccomp"));
    }
    const base::UniqueFd file = TRY(sys::memfd_create("filter", 0));
    if (const int result = ::seccomp_export_bpf(context_.get(), file.get()); result < 0) {
      return std::unexpected(sys::error_of(-result, "seccomp_export_bpf"));
    }
    const auto size = static_cast<std::size_t>(TRY(sys::fstat(file.get())).st_size);
    std::vector<sock_filter> program(size / sizeof(sock_filter));
    const std::size_t read =
        TRY(sys::pread(file.get(), std::as_writable_bytes(std::span(program)), 0));
    if (read != size) {
      return fail(ErrorCode::kIo, "pread: short");
    }
    return program;
  }

 private:
  void note(int result) {
    if (result < 0 && failure_ == 0) {
      failure_ = result;
    }
  }

  std::unique_ptr<void, decltype(&::seccomp_release)> context_;
  int failure_ = 0;
};

Result<std::vector<sock_filter>> build_by_number() {
  Program program(SCMP_ACT_ERRNO(ENOSYS));
  for (const char* name : kAllowed) {
    program.add(SCMP_ACT_ALLOW, name);
  }
  for (const int number : kAllowedByNumber) {
    program.add(SCMP_ACT_ALLOW, number);
  }
  for (const char* name : kRefused) {
    program.add(SCMP_ACT_ERRNO(EPERM), name);
  }
  for (const scmp_datum_t personality : kPersonalities) {
    program.add(SCMP_ACT_ALLOW, "personality", equals(0, personality));
  }
  return program.finish();
}

Result<std::vector<sock_filter>> build_by_argument() {
  Program program(SCMP_ACT_ALLOW);
  for (const scmp_datum_t flag : kNamespaceFlags) {
    program.add(SCMP_ACT_ERRNO(EPERM), "clone", has_bits(0, flag));
  }
  for (const scmp_datum_t request : kTerminalInjections) {
    program.add(SCMP_ACT_ERRNO(EPERM), "ioctl", low_half_equals(1, request));
  }
  // A pair is made like a socket, by the family's own code.
  for (const char* call : {"socket", "socketpair"}) {
    for (int family = 0; family <= AF_NETLINK; ++family) {
      if (!is_allowed_family(family)) {
        program.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), call,
                    low_half_equals(0, static_cast<scmp_datum_t>(family)));
      }
    }
    // All above AF_NETLINK, whatever the high half holds.
    for (unsigned bit = 5; bit < 32; ++bit) {
      const scmp_datum_t mask = scmp_datum_t{1} << bit;
      program.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), call, has_bits(0, mask));
    }
    for (unsigned bit = 0; bit < 4; ++bit) {
      const scmp_datum_t mask = (scmp_datum_t{1} << 4) | (scmp_datum_t{1} << bit);
      program.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), call, has_bits(0, mask));
    }
  }
  static_assert(AF_NETLINK == 16);
  // Of netlink only the route family: getaddrinfo and `ip` ask it about interfaces.
  program.add(SCMP_ACT_ERRNO(EPROTONOSUPPORT), "socket", low_half_equals(0, AF_NETLINK),
              differs(2, NETLINK_ROUTE));
  // "Done", to programs that turn core dumps off and end when they cannot: they are off, and the
  // limit that does it stays (resource_limits.cc).
  program.add(SCMP_ACT_ERRNO(0), "setrlimit", low_half_equals(0, RLIMIT_CORE));
  program.add(SCMP_ACT_ERRNO(0), "prlimit64", low_half_equals(1, RLIMIT_CORE), is_not_null(2));
  return program.finish();
}

Result<std::vector<sock_filter>> build_without_set_id() {
  Program program(SCMP_ACT_ALLOW);
  struct ModeArgument {
    const char* call;
    unsigned mode;
  };
  for (const scmp_datum_t bit : {scmp_datum_t{S_ISUID}, scmp_datum_t{S_ISGID}}) {
    for (const auto& [call, mode] : {ModeArgument{"chmod", 1},
                                     {"fchmod", 1},
                                     {"fchmodat", 2},
                                     {"creat", 1},
                                     {"mknod", 1},
                                     {"mknodat", 2}}) {
      program.add(SCMP_ACT_ERRNO(EPERM), call, has_bits(mode, bit));
    }
    program.add(SCMP_ACT_ERRNO(EPERM), kFchmodat2, has_bits(2, bit));
    // Without one of these flags the mode is whatever the register holds.
    for (const scmp_datum_t flag :
         {scmp_datum_t{O_CREAT}, scmp_datum_t{O_TMPFILE & ~O_DIRECTORY}}) {
      program.add(SCMP_ACT_ERRNO(EPERM), "open", has_bits(1, flag), has_bits(2, bit));
      program.add(SCMP_ACT_ERRNO(EPERM), "openat", has_bits(2, flag), has_bits(3, bit));
    }
  }
  // Its mode is behind a pointer. Programs fall back to openat.
  program.add(SCMP_ACT_ERRNO(ENOSYS), "openat2");
  return program.finish();
}

void print(const char* name, const std::vector<sock_filter>& program) {
  std::printf("constexpr sock_filter %s[] = {\n", name);
  for (const sock_filter& instruction : program) {
    std::printf("    {0x%04x, %u, %u, 0x%08x},\n", instruction.code, instruction.jt, instruction.jf,
                instruction.k);
  }
  std::printf("};\n");
}

}  // namespace
}  // namespace msb::isolation::jail

// Runs when the project is built, on the machine whose architecture it is built for.
int main() {
  using namespace msb::isolation::jail;  // NOLINT: a program of one file
  const auto by_number = build_by_number();
  const auto by_argument = build_by_argument();
  const auto without_set_id = build_without_set_id();
  for (const auto* built : {&by_number, &by_argument, &without_set_id}) {
    if (!*built) {
      std::fprintf(stderr, "system call policy: %s\n", built->error().message().c_str());
      return 1;
    }
  }
  std::printf("// Generated from system_call_policy.cc.\n");
  print("kByNumber", *by_number);
  print("kByArgument", *by_argument);
  print("kWithoutSetId", *without_set_id);
  return 0;
}
