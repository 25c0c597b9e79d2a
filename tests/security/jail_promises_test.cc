// SPDX-License-Identifier: Apache-2.0
//
// What the jail promises about its guest, each tried from inside by Python code: once as the
// image's user and once as root. An attempt prints what came of it; a test compares that with the
// promise.
#include <gtest/gtest.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/file.h"
#include "msb/msb.h"
#include "processes.h"

namespace msb {
namespace {

// Available to every attempt: raw system calls with the name of their errno.
constexpr const char* kPrelude = R"(
import ctypes, errno, os, socket, struct
_libc = ctypes.CDLL(None, use_errno=True)
def call(number, *args):
    ctypes.set_errno(0)
    result = _libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    return errno.errorcode.get(ctypes.get_errno(), '?') if result < 0 else 'worked'
def attempt(function, *args, **kwargs):
    try:
        return 'worked: %r' % (function(*args, **kwargs),)
    except OSError as error:
        return errno.errorcode.get(error.errno, '?')
def status(key):
    return [l.split()[1] for l in open('/proc/self/status') if l.startswith(key + ':')][0]
)";

class JailPromises : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    StartConfig config;
    config.user = GetParam();
    const auto started = sandbox_.start(config);
    ASSERT_TRUE(started) << started.error().message();
    run(kPrelude);
  }

  std::string run(const std::string& code) {
    RunOptions options;
    options.timeout = std::chrono::seconds(30);
    const auto execution = sandbox_.code().run(code, options);
    if (!execution) {
      return "error: " + execution.error().message();
    }
    return execution->output() + execution->error();
  }

  PythonSandbox sandbox_;
};

INSTANTIATE_TEST_SUITE_P(As, JailPromises, testing::Values("", "root"),
                         [](const auto& user) { return *user.param == '\0' ? "User" : "Root"; });

TEST_P(JailPromises, NoNewPrivilegesAndAFilterAreInForce) {
  EXPECT_EQ(run("print(status('NoNewPrivs'), status('Seccomp'))"), "1 2");
}

TEST_P(JailPromises, HoldsOnlyHarmlessCapabilities) {
  // CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID NET_BIND_SERVICE
  EXPECT_EQ(run("print(int(status('CapBnd'), 16) & ~0x4fb)"), "0");
  EXPECT_EQ(run("print(int(status('CapEff'), 16) & ~0x4fb)"), "0");
  EXPECT_EQ(run("print(int(status('CapAmb'), 16))"), "0");
}

TEST_P(JailPromises, ItsIdsAreNoIdsOfTheHost) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root has id ranges to give";
  }
  EXPECT_EQ(
      run("m = [list(map(int, l.split())) for l in open('/proc/self/uid_map')]\n"
          "print(all(outside >= 0x70000000 for _, outside, _ in m), sum(n for _, _, n in m))"),
      "True 65536");
}

TEST_P(JailPromises, SeesOnlyItsOwnProcesses) {
  EXPECT_EQ(run("print(open('/proc/1/comm').read().strip(), "
                "max(int(p) for p in os.listdir('/proc') if p.isdigit()) < 100)"),
            "msb-agent True");
}

TEST_P(JailPromises, MakesNoNamespaces) {
  EXPECT_EQ(run("print(*[call(272, flag) for flag in "
                "(0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)])"),
            "EPERM EPERM EPERM EPERM EPERM EPERM EPERM");
  // clone with namespace flags; clone3 does not exist, so libraries fall back to clone.
  EXPECT_EQ(run("print(call(56, 0x10000000 | 17, 0, 0, 0, 0), call(435, 0, 0))"), "EPERM ENOSYS");
  EXPECT_EQ(run("print(call(308, os.open('/proc/self/ns/net', os.O_RDONLY), 0))"), "EPERM");
}

TEST_P(JailPromises, MountsNothing) {
  EXPECT_EQ(run("print(call(165, b'none', b'/tmp', b'tmpfs', 0, 0), call(166, b'/proc', 2), "
                "call(155, b'/', b'/'))"),
            "EPERM EPERM EPERM");
  // open_tree, move_mount, fsopen, fsmount, mount_setattr
  EXPECT_EQ(run("print({call(n, -100, b'/', 1, 0, 0, 0) for n in (428, 429, 430, 432, 442)} "
                "<= {'EPERM', 'ENOSYS'})"),
            "True");
}

TEST_P(JailPromises, CannotReachTheDarkCornersOfTheKernel) {
  // bpf perf_event_open userfaultfd io_uring_setup add_key request_key keyctl init_module
  // finit_module delete_module kexec_load kexec_file_load reboot swapon acct settimeofday
  // name_to_handle_at open_by_handle_at quotactl iopl ioperm
  EXPECT_EQ(run("print({n: r for n in (321, 298, 323, 425, 248, 249, 250, 175, 313, 176, 246, 320, "
                "169, 167, 163, 164, 303, 304, 179, 172, 173) "
                "if (r := call(n, 0, 0, 0, 0, 0, 0)) not in ('EPERM', 'ENOSYS')})"),
            "{}");
}

TEST_P(JailPromises, OpensNoExoticSockets) {
  // AF_PACKET, AF_VSOCK, AF_ALG, AF_BLUETOOTH, raw IP
  EXPECT_EQ(run("print(all(not attempt(socket.socket, f, t, p).startswith('worked') for f, t, p in "
                "((17, 3, 3), (40, 1, 0), (38, 5, 0), (31, 3, 1), (2, 3, 255), (10, 3, 255))))"),
            "True");
}

TEST_P(JailPromises, HasLoopbackAndNoOtherNetwork) {
  EXPECT_EQ(run("print([name for _, name in socket.if_nameindex()])"), "['lo']");
  EXPECT_EQ(run("s = socket.socket(); s.bind(('127.0.0.1', 80)); s.listen()\n"
                "c = socket.create_connection(('127.0.0.1', 80), 5); print('connected')"),
            "connected");
  EXPECT_EQ(run("print(attempt(socket.create_connection, ('169.254.169.254', 80), 2))"),
            "ENETUNREACH");
}

TEST_P(JailPromises, WritesNoKernelSettings) {
  EXPECT_EQ(run("print({p: r for p in ('/proc/sys/kernel/core_pattern', '/proc/sysrq-trigger', "
                "'/proc/sys/vm/drop_caches', '/sys/kernel/uevent_helper', '/sys/fs/cgroup/x', "
                "'/proc/sys/kernel/hostname') "
                "if (r := attempt(open, p, 'w')).startswith('worked')})"),
            "{}");
}

TEST_P(JailPromises, ReadsNoKernelSecrets) {
  EXPECT_EQ(run("def size(p):\n"
                "    try:\n"
                "        return len(open(p, 'rb').read(100))\n"
                "    except OSError:\n"
                "        return 0\n"
                "print({p for p in ('/proc/kcore', '/proc/keys', '/proc/timer_list', '/proc/kmsg', "
                "'/proc/kallsyms', '/sys/kernel/security/lockdown') if size(p) and "
                "not (p == '/proc/kallsyms' and open(p).read(16) == '0' * 16)})"),
            "set()");
}

TEST_P(JailPromises, MakesNoDeviceNodes) {
  // EACCES is Landlock's answer, EPERM that of the missing capability.
  EXPECT_EQ(
      run("print({attempt(os.mknod, '/tmp/sda', 0o60666, os.makedev(8, 0)), "
          "attempt(os.mknod, '/tmp/mem', 0o20666, os.makedev(1, 1))} <= {'EACCES', 'EPERM'})"),
      "True");
  EXPECT_EQ(run("print(sorted(os.listdir('/dev')))"),
            "['fd', 'full', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout', "
            "'tty', 'urandom', 'zero']");
}

TEST_P(JailPromises, InheritsNoDescriptorOfTheHost) {
  // The agent's own stream is the only socket there is, and it is the agent's.
  EXPECT_EQ(run("print([l for f in os.listdir('/proc/self/fd') "
                "if (l := attempt(os.readlink, '/proc/self/fd/' + f)) and "
                "not any(k in l for k in ('pipe:', '/dev/null', 'ENOENT', '/proc/', 'socket:'))])"),
            "[]");
}

TEST_P(JailPromises, DoesNotTouchTheAgent) {
  EXPECT_EQ(run("print(call(101, 16, 1, 0, 0) in ('EPERM', 'ENOSYS'), "
                "attempt(open, '/proc/1/mem', 'rb').startswith('E'), "
                "attempt(os.readlink, '/proc/1/exe').startswith('E'))"),
            "True True True");
}

TEST_P(JailPromises, ItsMountsAreBeyondItsPower) {
  EXPECT_EQ(run("print([l.split()[4] for l in open('/proc/self/mountinfo') "
                "if '/.microsandbox' in l.split()[3]])"),
            "[]");
  EXPECT_EQ(run("s = os.statvfs('/'); print(bool(s.f_flag & os.ST_NOSUID), "
                "bool(os.statvfs('/sys').f_flag & os.ST_RDONLY), "
                "bool(os.statvfs('/proc/sys').f_flag & os.ST_RDONLY))"),
            "True True True");
}

TEST_P(JailPromises, TypesNothingIntoTerminals) {
  EXPECT_EQ(run("import pty, fcntl, termios\n"
                "m, s = pty.openpty()\n"
                "print(attempt(fcntl.ioctl, s, termios.TIOCSTI, b'x'))"),
            "EPERM");
}

TEST_P(JailPromises, MakesNoPairOfExoticSockets) {
  // AF_TIPC, AF_VSOCK, AF_SMC: a pair is made by the family's own code, like a socket.
  EXPECT_EQ(
      run("pair = (ctypes.c_int * 2)()\n"
          "print(*[call(53, f, t, 0, pair) for f, t in ((30, 5), (40, 1), (43, 1), (1, 1))])"),
      "EAFNOSUPPORT EAFNOSUPPORT EAFNOSUPPORT worked");
}

TEST_P(JailPromises, ReachesNoneOfTheKernelsRarelyTroddenParts) {
  // get_mempolicy mbind set_mempolicy set_mempolicy_home_node pidfd_getfd chroot
  EXPECT_EQ(run("print({call(n, 0, 0, 0, 0, 0, 0) for n in (239, 237, 238, 450, 438, 161)})"),
            "{'EPERM'}");
  // vmsplice remap_file_pages memfd_secret process_madvise process_mrelease modify_ldt
  EXPECT_EQ(run("print({call(n, 0, 0, 0, 0, 0, 0) for n in (278, 216, 447, 440, 448, 154)})"),
            "{'ENOSYS'}");
  // Protocols that load modules: SCTP, DCCP, L2TP, SMC, MPTCP; with a bit in the high half too.
  EXPECT_EQ(run("print({call(41, f, t, p) for f in (2, 10) for t, p in "
                "((1, 132), (6, 33), (2, 115), (1, 256), (1, 262), (1, (1 << 32) + 132))})"),
            "{'EPROTONOSUPPORT'}");
  EXPECT_EQ(run("print({call(41, f, t, p) for f in (2, 10) for t, p in "
                "((1, 0), (1, 6), (2, 0), (2, 17))}, call(41, 2, 2, 1), call(41, 10, 2, 58))"),
            "{'worked'} worked worked");
  // A line discipline (N_HDLC), loaded behind a terminal.
  EXPECT_EQ(run("import pty, fcntl, termios\n"
                "m, s = pty.openpty()\n"
                "print(attempt(fcntl.ioctl, s, termios.TIOCSETD, struct.pack('i', 13)))"),
            "EPERM");
}

TEST_P(JailPromises, GivesTheKernelNoProgramsToRun) {
  EXPECT_EQ(
      run("accept_all = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0xffff))\n"
          "program = struct.pack('HxxxxxxQ', 1, ctypes.addressof(accept_all))\n"
          "s = socket.socket()\n"
          "print({attempt(s.setsockopt, socket.SOL_SOCKET, o, program) "
          "for o in (26, 50, 51, 52)}, attempt(s.setsockopt, socket.IPPROTO_TCP, 31, b'tls'))"),
      "{'EPERM'} ENOPROTOOPT");
  // Filters of its own, by either call; with a bit in the high half too.
  EXPECT_EQ(run("print({call(317, o, 0, program) for o in (1, (1 << 32) + 1)}, "
                "{call(157, o, 2, program) for o in (22, (1 << 32) + 22)})"),
            "{'EINVAL'} {'EINVAL'}");
}

TEST_P(JailPromises, SeesNothingOfWhatOthersDoOnTheHost) {
  // Interrupts, disks, locks (one per sandbox), the kernel's memory, drivers.
  EXPECT_EQ(
      run("def content(p):\n"
          "    try:\n"
          "        return os.listdir(p) if os.path.isdir(p) else open(p, 'rb').read(100)\n"
          "    except OSError:\n"
          "        return b''\n"
          "print({n for n in ('interrupts', 'softirqs', 'diskstats', 'partitions', 'locks', "
          "'slabinfo', 'buddyinfo', 'zoneinfo', 'cmdline', 'config.gz', 'iomem', 'fs', 'irq', "
          "'bus', 'driver') if content('/proc/' + n)})"),
      "set()");
}

TEST_P(JailPromises, GivesTheHostsKernelNoWorkThatIsNotCounted) {
  // A trigger on the host's pressure is memory and a timer of the kernel, for anybody who asks.
  EXPECT_EQ(run("print({attempt(os.open, '/proc/pressure/' + n, os.O_WRONLY) for n in "
                "('cpu', 'memory', 'io')})"),
            "{'ENOENT'}");
}

TEST_P(JailPromises, WritesToNothingOfTheHostsInProc) {
  // Whatever a younger kernel adds: all that can be opened for writing is a cover of null.
  EXPECT_EQ(run("def writable(p):\n"
                "    try:\n"
                "        fd = os.open(p, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)\n"
                "    except OSError:\n"
                "        return False\n"
                "    null = os.fstat(fd).st_rdev == os.makedev(1, 3)\n"
                "    os.close(fd)\n"
                "    return not null\n"
                "found = []\n"
                "for top in ('/proc', '/sys'):\n"
                "    for folder, folders, files in os.walk(top):\n"
                "        if folder == '/proc':\n"
                "            folders[:] = [f for f in folders if not f.isdigit() and "
                "f not in ('self', 'thread-self')]\n"
                "        found += [p for f in files if not os.path.islink(p := folder + '/' + f) "
                "and writable(p)]\n"
                "print(found)"),
            "[]");
}

TEST_P(JailPromises, TakesNoneOfTheHostsAsynchronousRequests) {
  EXPECT_EQ(run("c = ctypes.c_ulong(0); print(call(206, 100, ctypes.byref(c)))"), "ENOSYS");
}

TEST_P(JailPromises, ItsCrashesRunNothingOnTheHost) {
  // A limit of 1 is the only one that a core_pattern with a pipe obeys: it must not go away.
  EXPECT_EQ(run("import resource\n"
                "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))\n"
                "_ = resource.prlimit(0, resource.RLIMIT_CORE, (0, 0))\n"
                "print(resource.getrlimit(resource.RLIMIT_CORE))"),
            "(1, 1)");
}

class JailVolumes : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(As, JailVolumes, testing::Values("", "root"),
                         [](const auto& user) { return *user.param == '\0' ? "User" : "Root"; });

// What the guest makes there belongs to the folder's owner on the host, who may be root.
TEST_P(JailVolumes, GetNoFileThatRunsAsItsOwner) {
  const auto folder = base::TempDir::create();
  ASSERT_TRUE(folder);
  StartConfig config;
  config.user = GetParam();
  config.volumes = {folder->path() + ":/shared"};
  PythonSandbox sandbox;
  const auto started = sandbox.start(config);
  ASSERT_TRUE(started) << started.error().message();
  ASSERT_TRUE(sandbox.code().run(kPrelude));
  const auto tried = sandbox.code().run(
      "make = os.O_CREAT | os.O_WRONLY\n"
      "os.close(os.open('/shared/plain', make, 0o755))\n"
      "how = struct.pack('QQQ', make, 0o4755, 0)\n"
      "for bits in (0o4755, 0o2755):\n"
      "    print(attempt(os.chmod, '/shared/plain', bits), call(452, -100, b'/shared/plain', bits, "
      "0),\n"
      "          attempt(os.open, '/shared/made', make, bits),\n"
      "          attempt(os.open, '/shared', os.O_TMPFILE | os.O_WRONLY, bits),\n"
      "          attempt(os.mknod, '/shared/node', 0o100000 | bits),\n"
      "          call(437, -100, b'/shared/openat2', how, 24))");
  ASSERT_TRUE(tried);
  EXPECT_EQ(tried->output(),
            "EPERM EPERM EPERM EPERM EPERM ENOSYS\nEPERM EPERM EPERM EPERM EPERM ENOSYS");
  for (const auto& entry : std::filesystem::directory_iterator(folder->path())) {
    constexpr auto kSetId = std::filesystem::perms::set_uid | std::filesystem::perms::set_gid;
    EXPECT_EQ(entry.status().permissions() & kSetId, std::filesystem::perms::none) << entry.path();
  }
}

TEST(JailNeighbours, DoNotUseUpEachOthersShareOfTheKernel) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "rootless sandboxes are one user's";
  }
  // The kernel counts these per user, and against the owner of the user namespace.
  constexpr const char* kTakeAll =
      "fds, queues = [], 0\n"
      "while len(fds) < 90 and (fd := _libc.syscall(294, 0)) >= 0:\n"
      "    fds.append(fd)\n"
      "attr = (ctypes.c_long * 4)(0, 10, 8192, 0)\n"
      "while queues < 8 and call(240, b'q%d' % queues, 0o102, 0o600, attr) == 'worked':\n"
      "    queues += 1\n"
      "print(len(fds), queues)";
  PythonSandbox first;
  PythonSandbox second;
  for (PythonSandbox* sandbox : {&first, &second}) {
    ASSERT_TRUE(sandbox->start());
    ASSERT_TRUE(sandbox->code().run(kPrelude));
    const auto taken = sandbox->code().run(kTakeAll);
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->output(), "90 8");
  }
}

// All of them together: one engine's group, of which each sandbox's is a part.
TEST(JailNeighbours, LeaveTheHostNumbersForItsProcesses) {
  PythonSandbox sandbox;
  ASSERT_TRUE(sandbox.start());
  // Popen returns when the program is being replaced, some moments before /proc shows its
  // arguments.
  ASSERT_TRUE(
      sandbox.code().run("import subprocess\n"
                         "p = subprocess.Popen(['sleep', '86421'])\n"
                         "while not open(f'/proc/{p.pid}/cmdline').read(): pass"));
  const auto inside = security::processes_with("sleep 86421");
  ASSERT_FALSE(inside.empty());
  const auto groups = base::read_file("/proc/" + std::to_string(*inside.begin()) + "/cgroup", 4096);
  ASSERT_TRUE(groups);
  std::string group;  // of pids, else of version 2
  for (std::string_view rest = *groups; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (const auto at = line.find(":pids:"); at != line.npos) {
      group = "/sys/fs/cgroup/pids" + std::string(line.substr(at + 6));
    } else if (line.starts_with("0::") && group.empty()) {
      group = "/sys/fs/cgroup" + std::string(line.substr(3));
    }
  }
  const std::filesystem::path engine = std::filesystem::path(group).parent_path();
  const auto most = base::read_file((engine / "pids.max").string(), 64);
  if (!most) {
    GTEST_SKIP() << "the host limits no processes: " << most.error().message();
  }
  const auto numbers = base::read_file("/proc/sys/kernel/pid_max", 64);
  ASSERT_TRUE(numbers);
  ASSERT_NE(*most, "max\n") << engine;
  EXPECT_LE(std::stoul(*most), std::stoul(*numbers) / 4 * 3) << engine;
}

TEST(JailNeighbours, DoNotMeet) {
  PythonSandbox first;
  PythonSandbox second;
  ASSERT_TRUE(first.start());
  ASSERT_TRUE(second.start());
  ASSERT_TRUE(first.code().run(
      "open('/tmp/secret', 'w').write('x')\n"
      "import socket; s = socket.socket(); s.bind(('127.0.0.1', 7777)); s.listen()\n"
      "a = socket.socket(socket.AF_UNIX); a.bind('\\0abstract')"));
  const auto seen = second.code().run(
      "import os, socket\n"
      "def try_(f):\n"
      "    try:\n"
      "        f(); return 'worked'\n"
      "    except OSError as e:\n"
      "        return type(e).__name__\n"
      "print(os.path.exists('/tmp/secret'), try_(lambda: socket.create_connection(('127.0.0.1', "
      "7777), 1)),"
      " try_(lambda: socket.socket(socket.AF_UNIX).connect('\\0abstract')))");
  ASSERT_TRUE(seen);
  EXPECT_EQ(seen->output(), "False ConnectionRefusedError ConnectionRefusedError");
  const auto map = [](PythonSandbox& sandbox) {
    return sandbox.code().run("print(open('/proc/self/uid_map').read().split()[1])")->output();
  };
  if (::geteuid() == 0) {
    EXPECT_NE(map(first), map(second));
  }
}

TEST(JailNeighbours, HaveTheirOwnHostName) {
  PythonSandbox sandbox;
  ASSERT_TRUE(sandbox.start());
  utsname host{};
  ASSERT_EQ(::uname(&host), 0);
  const auto name = sandbox.code().run("import socket; print(socket.gethostname())");
  ASSERT_TRUE(name);
  EXPECT_NE(name->output(), host.nodename);
  EXPECT_EQ(name->output(), sandbox.name());
}

}  // namespace
}  // namespace msb
