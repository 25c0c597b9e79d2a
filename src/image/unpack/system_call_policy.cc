// SPDX-License-Identifier: Apache-2.0
//
// What msb-unpack may call once it is confined. Everything else is EPERM: libraries that ask for a
// comfort go on without, and what a hostile archive wants is not to be had.
#include <sys/mman.h>

#include <cerrno>

#include "base/policy/compiler.h"

namespace msb::image::unpack {
namespace {

using base::policy::lacks_bits;
using base::policy::Program;

// clang-format off
constexpr const char* kStreamCalls[] = {
    "read", "write", "writev", "close", "lseek", "fstat", "newfstatat", "brk", "munmap", "mremap",
    "madvise", "futex", "exit", "exit_group", "rt_sigreturn", "rt_sigaction", "rt_sigprocmask",
    "sigaltstack", "getpid", "gettid", "tgkill", "clock_gettime", "getrandom", "sched_yield",
    "rseq", "set_robust_list",
};
constexpr const char* kFolderCalls[] = {
    "openat2", "openat", "pwrite64", "ftruncate", "mkdirat", "mknodat", "symlinkat", "linkat",
    "unlinkat", "fchown", "fchownat", "fchmod", "fchmodat", "utimensat", "fsetxattr", "getdents64",
    "fcntl", "dup", "statx",
};
constexpr const char* kReadCalls[] = {
    "openat", "getdents64", "readlinkat", "pread64", "flistxattr", "fgetxattr", "fcntl", "dup", "statx",
};
// clang-format on

Result<std::vector<sock_filter>> build(std::span<const char* const> more) {
  Program program(SCMP_ACT_ERRNO(EPERM));
  program.add_all(SCMP_ACT_ALLOW, kStreamCalls);
  program.add_all(SCMP_ACT_ALLOW, more);
  // Memory, but none that can be executed.
  for (const char* call : {"mmap", "mprotect"}) {
    program.add(SCMP_ACT_ALLOW, call, lacks_bits(2, PROT_EXEC));
  }
  return program.finish();
}

}  // namespace
}  // namespace msb::image::unpack

int main() {
  using namespace msb::image::unpack;  // NOLINT: a program of one file
  const msb::base::policy::Table tables[] = {
      {.name = "kStreamFilter", .program = build({})},
      {.name = "kFolderFilter", .program = build(kFolderCalls)},
      {.name = "kReadFilter", .program = build(kReadCalls)}};
  return msb::base::policy::print_tables("image/unpack/system_call_policy.cc", tables);
}
