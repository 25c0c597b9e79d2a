// SPDX-License-Identifier: Apache-2.0
//
// Docker's default filter less everything that needs a capability no guest has, less what has been
// a door out of containers: new namespaces, mounts, bpf, keyrings, io_uring, userfaultfd, perf;
// less what nearly no program calls and the kernel had holes in: memory policies, vmsplice, exotic
// protocols, line disciplines. docs/syscalls.md compares it call by call with the filters of
// others.
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
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
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
    "write", "writev",
    // waiting for them
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd", "eventfd2", "inotify_add_watch", "inotify_init",
    "inotify_init1", "inotify_rm_watch", "pipe", "pipe2", "poll", "ppoll", "pselect6", "select",
    "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // memory
    "brk", "madvise", "membarrier", "memfd_create", "mincore", "mlock", "mlock2", "mlockall",
    "mmap", "mprotect", "mremap", "msync", "munlock", "munlockall", "munmap", "pkey_alloc",
    "pkey_free", "pkey_mprotect",
    // processes and threads
    "arch_prctl", "capget", "capset", "clone", "execve", "execveat", "exit", "exit_group", "fork",
    "futex", "futex_waitv", "get_robust_list", "getcpu", "getegid", "geteuid",
    "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
    "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "ioprio_get",
    "ioprio_set", "kill", "landlock_add_rule", "landlock_create_ruleset",
    "landlock_restrict_self", "pidfd_open", "pidfd_send_signal", "prctl",
    "prlimit64", "process_vm_readv", "process_vm_writev", "ptrace", "restart_syscall", "rseq",
    "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity", "sched_getattr",
    "sched_getparam", "sched_getscheduler", "sched_rr_get_interval", "sched_setaffinity",
    "sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
    "set_robust_list", "set_tid_address", "setfsgid", "setfsuid", "setgid",
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
    335,  // uretprobe: the kernel's own, where the host traces a guest's program
    451,  // cachestat
    kFchmodat2,
    453,  // map_shadow_stack: a guest's own hardening
    454,  // futex_wake
    455,  // futex_wait
    456,  // futex_requeue
    462,  // mseal
};

// clang-format off
constexpr const char* kRefused[] = {
    "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime",
    "delete_module", "fanotify_init", "fanotify_mark", "finit_module", "fsconfig", "fsmount",
    "fsopen", "fspick", "get_mempolicy", "init_module", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioperm", "iopl",
    "kcmp", "kexec_file_load", "kexec_load", "keyctl", "lookup_dcookie", "mbind", "migrate_pages", "mount",
    "mount_setattr", "move_mount", "move_pages", "name_to_handle_at", "nfsservctl",
    "open_by_handle_at", "open_tree", "perf_event_open", "pidfd_getfd", "pivot_root", "quotactl", "quotactl_fd",
    "reboot", "request_key", "set_mempolicy", "set_mempolicy_home_node", "setdomainname", "sethostname", "setns", "settimeofday", "swapoff",
    "swapon", "syslog", "umount", "umount2", "unshare", "userfaultfd", "vhangup",
};
// clang-format on

// PER_LINUX, PER_LINUX32, UNAME26 with either, ADDR_NO_RANDOMIZE (debuggers), and "tell me".
constexpr scmp_datum_t kPersonalities[] = {0, 8, 0x20000, 0x20008, 0x40000, 0xffffffff};

constexpr scmp_datum_t kNamespaceFlags[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                            CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                            CLONE_NEWNET};

// The first two type into a terminal. The third puts a driver of the kernel between a terminal and
// its user (SLIP, GSM, HDLC: loaded on demand, rarely looked after).
constexpr scmp_datum_t kRefusedRequests[] = {TIOCSTI, 0x541c /* TIOCLINUX */, TIOCSETD};

constexpr std::uint32_t kSocketFamilies[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

// 0: the type's own. The others are ways to the kernel's less trodden parts, and load modules:
// SCTP, DCCP, L2TP, SMC, MPTCP.
constexpr std::uint32_t kSocketProtocols[] = {0, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP,
                                              IPPROTO_ICMPV6};

// Programs for the kernel to run, and protocols stacked on TCP (kernel TLS).
struct SocketOption {
  scmp_datum_t level;
  scmp_datum_t option;
  int error;
};
constexpr int kSoAttachReuseportCbpf = 51;
constexpr int kSoAttachReuseportEbpf = 52;
constexpr SocketOption kRefusedOptions[] = {{SOL_SOCKET, SO_ATTACH_FILTER, EPERM},
                                            {SOL_SOCKET, SO_ATTACH_BPF, EPERM},
                                            {SOL_SOCKET, kSoAttachReuseportCbpf, EPERM},
                                            {SOL_SOCKET, kSoAttachReuseportEbpf, EPERM},
                                            {IPPROTO_TCP, TCP_ULP, ENOPROTOOPT}};

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

scmp_arg_cmp is_of_type(unsigned mode, scmp_datum_t type) {
  return {mode, SCMP_CMP_MASKED_EQ, S_IFMT, type};
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

  // For every value of an int argument that is not among `allowed`: one rule for each aligned block
  // of values that holds none of them. (A rule can compare an argument but once.)
  void add_all_but(std::uint32_t action, const char* name, unsigned argument,
                   std::span<const std::uint32_t> allowed) {
    add_block(action, name, argument, allowed, 0, 32);
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
  // The 2^bits values from `first` on.
  void add_block(std::uint32_t action, const char* name, unsigned argument,
                 std::span<const std::uint32_t> allowed, std::uint64_t first, unsigned bits) {
    const std::uint64_t size = std::uint64_t{1} << bits;
    if (std::ranges::none_of(
            allowed, [&](std::uint64_t value) { return value >= first && value - first < size; })) {
      const scmp_datum_t mask = 0xffffffff & ~(size - 1);
      add(action, name, scmp_arg_cmp{argument, SCMP_CMP_MASKED_EQ, mask, first});
    } else if (bits > 0) {
      add_block(action, name, argument, allowed, first, bits - 1);
      add_block(action, name, argument, allowed, first + size / 2, bits - 1);
    }
  }

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
  for (const scmp_datum_t request : kRefusedRequests) {
    program.add(SCMP_ACT_ERRNO(EPERM), "ioctl", low_half_equals(1, request));
  }
  // A pair is made like a socket, by the family's own code.
  for (const char* call : {"socket", "socketpair"}) {
    program.add_all_but(SCMP_ACT_ERRNO(EAFNOSUPPORT), call, 0, kSocketFamilies);
    program.add_all_but(SCMP_ACT_ERRNO(EPROTONOSUPPORT), call, 2, kSocketProtocols);
  }
  // Of netlink only the route family: getaddrinfo and `ip` ask it about interfaces.
  program.add(SCMP_ACT_ERRNO(EPROTONOSUPPORT), "socket", low_half_equals(0, AF_NETLINK),
              differs(2, NETLINK_ROUTE));
  for (const auto& [level, option, error] : kRefusedOptions) {
    program.add(SCMP_ACT_ERRNO(static_cast<std::uint32_t>(error)), "setsockopt",
                low_half_equals(1, level), low_half_equals(2, option));
  }
  // Fifos and sockets are made with the same call.
  for (const scmp_datum_t type : {scmp_datum_t{S_IFCHR}, scmp_datum_t{S_IFBLK}}) {
    program.add(SCMP_ACT_ERRNO(EPERM), "mknod", is_of_type(1, type));
    program.add(SCMP_ACT_ERRNO(EPERM), "mknodat", is_of_type(2, type));
  }
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
