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
// This is a program of the build (base/policy/compiler.h): its tables are in system_calls.cc.

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdint>
#include <vector>

#include "base/policy/compiler.h"
#include "base/try.h"
#include "isolation/jail/guest_calls.h"

namespace msb::isolation::jail {
namespace {

using base::policy::differs;
using base::policy::equals;
using base::policy::has_bits;
using base::policy::is_not_null;
using base::policy::low_half_equals;
using base::policy::Program;

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

scmp_arg_cmp is_of_type(unsigned mode, scmp_datum_t type) {
  return {mode, SCMP_CMP_MASKED_EQ, S_IFMT, type};
}

Result<std::vector<sock_filter>> build_by_number() {
  Program program(SCMP_ACT_ERRNO(ENOSYS));
  program.add_all(SCMP_ACT_ALLOW, kGuestCalls);
  for (const int number : kGuestCallsByNumber) {
    program.add(SCMP_ACT_ALLOW, number);
  }
  program.add_all(SCMP_ACT_ERRNO(EPERM), kRefusedCalls);
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
  // Each filter of a guest's is a program that the kernel compiles, into memory that has one limit
  // for the whole host (net.core.bpf_jit_limit): a few sandboxes could take all of it, and no
  // filter could be installed any more, ours included. The answer is that of a kernel without
  // filters, which those who use one know.
  program.add(SCMP_ACT_ERRNO(EINVAL), "seccomp", low_half_equals(0, SECCOMP_SET_MODE_FILTER));
  program.add(SCMP_ACT_ERRNO(EINVAL), "prctl", low_half_equals(0, PR_SET_SECCOMP),
              equals(1, SECCOMP_MODE_FILTER));
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

}  // namespace
}  // namespace msb::isolation::jail

int main() {
  using namespace msb::isolation::jail;  // NOLINT: a program of one file
  const msb::base::policy::Table tables[] = {
      {.name = "kByNumber", .program = build_by_number()},
      {.name = "kByArgument", .program = build_by_argument()},
      {.name = "kWithoutSetId", .program = build_without_set_id()}};
  return msb::base::policy::print_tables("isolation/jail/system_call_policy.cc", tables);
}
