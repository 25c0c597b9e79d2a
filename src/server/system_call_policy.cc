// SPDX-License-Identifier: Apache-2.0
//
// What msb-server may call once it has started: files, memory, threads, sockets of IP, time. Not
// among it, though the server may be root: any other program (its launcher starts those), any
// other process (it can signal those only whose pidfd it was given), namespaces, mounts, modules,
// BPF, keyrings, tracing; and no UNIX socket to the host's own services, which take a root's word.
//
//   allowed    what its code, the C library, curl, OpenSSL, SQLite and Asio call
//   EPERM      known and refused
//   ENOSYS     all others: libraries fall back
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>

#include <cerrno>

#include "base/policy/compiler.h"
#include "image/unpack/protocol.h"

namespace msb::server {
namespace {

using base::policy::has_bits;
using base::policy::lacks_bits;
using base::policy::low_half_equals;
using base::policy::Program;

// clang-format off
constexpr const char* kAllowed[] = {
    // files
    "access", "chdir", "close", "close_range", "copy_file_range", "dup", "dup2", "dup3",
    "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir", "fcntl", "fdatasync", "flock",
    "fstat", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents", "getdents64", "lseek", "lstat",
    "mkdir", "mkdirat", "newfstatat", "open", "openat", "openat2", "pread64", "preadv", "preadv2",
    "pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
    "rename", "renameat", "renameat2", "rmdir", "sendfile", "splice", "stat", "statfs", "statx",
    "sync_file_range", "syncfs", "umask", "unlink", "unlinkat", "utimensat", "write", "writev",
    // waiting for them
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd2", "inotify_add_watch", "inotify_init1", "pipe", "pipe2", "poll", "ppoll", "pselect6",
    "select", "signalfd4",
    "timerfd_create", "timerfd_gettime", "timerfd_settime",
    // memory
    "brk", "madvise", "membarrier", "mincore", "mlock", "mremap", "msync", "munlock", "munmap",
    // threads, and processes that it was given
    "arch_prctl", "capget", "exit", "exit_group", "futex", "futex_waitv", "get_robust_list",
    "getcpu", "getegid", "geteuid", "getgid", "getgroups", "getpgid", "getpgrp", "getpid",
    "getppid", "getpriority", "getresgid", "getresuid", "getrlimit", "getrusage", "getsid",
    "gettid", "getuid", "pidfd_send_signal", "restart_syscall", "rseq", "sched_get_priority_max",
    "sched_get_priority_min", "sched_getaffinity", "sched_getparam", "sched_getscheduler",
    "sched_yield", "set_robust_list", "set_tid_address", "sysinfo", "times", "uname", "wait4",
    "waitid",
    // signals and time
    "clock_getres", "clock_gettime", "clock_nanosleep", "getitimer", "gettimeofday", "nanosleep",
    "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend",
    "rt_sigtimedwait", "sigaltstack", "time",
    // sockets, once there is one
    "accept", "accept4", "bind", "connect", "getpeername", "getrandom", "getsockname",
    "getsockopt", "listen", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg", "sendmsg", "sendto",
    "setsockopt", "shutdown",
};
constexpr const char* kRefused[] = {
    "acct", "add_key", "adjtimex", "bpf", "chmod", "chown", "chroot", "clock_adjtime",
    "clock_settime", "delete_module", "execve", "execveat", "fanotify_init", "fanotify_mark",
    "fchmodat", "fchownat", "finit_module", "fork", "fremovexattr", "fsconfig", "fsetxattr",
    "fsmount", "fsopen", "fspick", "init_module", "io_setup", "io_uring_enter",
    "io_uring_register", "io_uring_setup", "ioperm", "iopl", "kcmp", "kexec_file_load",
    "kexec_load", "keyctl", "kill", "lchown", "link", "linkat", "lremovexattr", "lsetxattr",
    "memfd_secret", "migrate_pages", "mknod", "mknodat", "mount", "mount_setattr", "move_mount",
    "move_pages", "mq_open", "name_to_handle_at", "open_by_handle_at", "open_tree",
    "perf_event_open", "personality", "pidfd_getfd", "pidfd_open", "pivot_root",
    "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace", "quotactl",
    "quotactl_fd", "reboot", "removexattr", "request_key", "rt_sigqueueinfo",
    "rt_tgsigqueueinfo", "seccomp", "setdomainname", "setfsgid", "setfsuid", "setgid",
    "setgroups", "sethostname", "setns", "setregid", "setresgid", "setresuid",
    "setreuid", "setsid", "settimeofday", "setuid", "setxattr", "shmget", "swapoff", "swapon",
    "symlink", "symlinkat", "syslog", "tgkill", "tkill", "umount2", "unshare", "userfaultfd",
    "vfork", "vhangup",
};
// clang-format on

constexpr scmp_datum_t kSocketTypeMask = 0xf;  // the rest are flags
constexpr scmp_datum_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
constexpr scmp_datum_t kRequests[] = {FIONBIO, FIONREAD, FIOCLEX, TCGETS, TIOCGWINSZ};

Result<std::vector<sock_filter>> build() {
  Program program(SCMP_ACT_ERRNO(ENOSYS));
  program.add_all(SCMP_ACT_ALLOW, kAllowed);
  program.add_all(SCMP_ACT_ERRNO(EPERM), kRefused);
  // Threads only. (clone3, whose flags no filter sees, is ENOSYS: the C library falls back.)
  program.add(SCMP_ACT_ALLOW, "clone", has_bits(0, kThread));
  // No anonymous memory that can be written and executed, nor what was writable once. Libraries
  // that are loaded later (name services, OpenSSL's providers) are mapped for execution at once.
  program.add(SCMP_ACT_ALLOW, "mprotect", lacks_bits(2, PROT_EXEC));
  program.add(SCMP_ACT_ALLOW, "mmap", lacks_bits(2, PROT_EXEC));
  program.add(SCMP_ACT_ALLOW, "mmap",
              scmp_arg_cmp{2, SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC});
  for (const int family : {AF_INET, AF_INET6}) {
    program.add(SCMP_ACT_ALLOW, "socket", low_half_equals(0, static_cast<scmp_datum_t>(family)));
  }
  program.add(SCMP_ACT_ALLOW, "socket", low_half_equals(0, AF_NETLINK),
              low_half_equals(2, NETLINK_ROUTE));
  program.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", low_half_equals(0, AF_UNIX));
  // Ends that are connected for good. One of datagrams could write to the host's own services,
  // whose sockets it names in each message.
  for (const int type : {SOCK_STREAM, SOCK_SEQPACKET}) {
    program.add(
        SCMP_ACT_ALLOW, "socketpair",
        scmp_arg_cmp{1, SCMP_CMP_MASKED_EQ, kSocketTypeMask, static_cast<scmp_datum_t>(type)});
  }
  for (const scmp_datum_t request : kRequests) {
    program.add(SCMP_ACT_ALLOW, "ioctl", low_half_equals(1, request));
  }
  program.add(SCMP_ACT_ALLOW, "prctl", low_half_equals(0, PR_SET_NAME));
  program.add(SCMP_ACT_ALLOW, "prctl", low_half_equals(0, PR_GET_NAME));
  // To ask, not to set.
  program.add(SCMP_ACT_ALLOW, "prlimit64", scmp_arg_cmp{2, SCMP_CMP_EQ, 0, 0});
  // Of the calling thread: spare sandboxes are made with less urgency.
  program.add(SCMP_ACT_ALLOW, "setpriority", low_half_equals(0, PRIO_PROCESS),
              low_half_equals(1, 0));
  // Files that it has open, and never set-uid.
  program.add(SCMP_ACT_ALLOW, "fchmod", lacks_bits(1, S_ISUID | S_ISGID));
  // A layer's folder is handed to the identity that msb-unpack writes in.
  program.add(SCMP_ACT_ALLOW, "fchown", low_half_equals(1, image::unpack::kStoreIdBase),
              low_half_equals(2, image::unpack::kStoreIdBase));
  return program.finish();
}

}  // namespace
}  // namespace msb::server

int main() {
  const msb::base::policy::Table tables[] = {
      {.name = "kServerFilter", .program = msb::server::build()}};
  return msb::base::policy::print_tables("server/system_call_policy.cc", tables);
}
