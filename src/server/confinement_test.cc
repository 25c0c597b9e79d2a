// SPDX-License-Identifier: Apache-2.0
//
// A process that has given up what a server gives up, in the hands of somebody else.
#include "server/confinement.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/landlock.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "base/file.h"
#include "image/unpack/protocol.h"

namespace msb::server {
namespace {

namespace fs = std::filesystem;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kFiltered = false;
#else
constexpr bool kFiltered = true;
#endif

constexpr int kCouldNotConfine = 254;

class ConfinementTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kFiltered) {
      GTEST_SKIP() << "a sanitizer's runtime needs calls that a server does not";
    }
    fs::create_directories(home() + "/tmp");
    fs::create_directories(folder_.path() + "/outside");
    ASSERT_TRUE(base::write_file_atomic(outside("secret"), "x", 0644).has_value());
  }
  std::string home() const { return folder_.path() + "/home"; }
  std::string outside(const std::string& name) const { return folder_.path() + "/outside/" + name; }

  // Files are kept from it by Landlock alone; where a kernel has none, trying would leave files.
  static bool has_landlock() {
    return ::syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2;
  }

  // errno of what is tried in a confined process; 0: it worked.
  int outcome(const std::function<long()>& attempt) const {
    const pid_t child = ::fork();
    if (child == 0) {
      if (!confine_server(
              {.home = home(), .tiers = {}, .volume_roots = {}, .readable_files = {}})) {
        ::_exit(kCouldNotConfine);
      }
      ::_exit(attempt() < 0 ? errno : 0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  base::TempDir folder_ = base::TempDir::create().value();
};

TEST_F(ConfinementTest, ItStartsNoProgramAndNoProcess) {
  EXPECT_EQ(outcome([] {
              char name[] = "/bin/true";
              char* argv[] = {name, nullptr};
              return ::execve(name, argv, nullptr);
            }),
            EPERM);
  EXPECT_EQ(outcome([] { return ::syscall(SYS_fork); }), EPERM);
  EXPECT_EQ(outcome([] { return ::syscall(SYS_vfork); }), EPERM);
  EXPECT_EQ(outcome([] { return ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }), ENOSYS);
  // Threads it does make, by a call whose flags a filter sees.
  EXPECT_EQ(outcome([] {
              std::thread([] {}).join();
              return 0L;
            }),
            0);
}

TEST_F(ConfinementTest, ItReachesNoOtherProcess) {
  const pid_t parent = ::getpid();
  EXPECT_EQ(outcome([=] { return ::kill(parent, 0); }), EPERM);
  EXPECT_EQ(outcome([=] { return ::syscall(SYS_tgkill, parent, parent, 0); }), EPERM);
  EXPECT_EQ(outcome([=] { return ::syscall(SYS_pidfd_open, parent, 0); }), EPERM);
  EXPECT_EQ(outcome([=] { return ::ptrace(PTRACE_ATTACH, parent, nullptr, nullptr); }), EPERM);
  EXPECT_EQ(outcome([=] {
              // Linux takes the folder of a process for a pidfd, too.
              const std::string path = "/proc/" + std::to_string(parent);
              return ::open(path.c_str(), O_RDONLY | O_DIRECTORY);
            }),
            EACCES);
}

TEST_F(ConfinementTest, ItMayBeLessUrgentButNotMoreAndNobodyElse) {
  const auto parent = static_cast<id_t>(::getpid());
  EXPECT_EQ(outcome([] { return ::setpriority(PRIO_PROCESS, 0, 10); }), 0);
  EXPECT_EQ(outcome([] { return ::setpriority(PRIO_PROCESS, 0, -20); }), EACCES);
  EXPECT_EQ(outcome([=] { return ::setpriority(PRIO_PROCESS, parent, 10); }), ENOSYS);
  EXPECT_EQ(outcome([] { return ::setpriority(PRIO_USER, 0, 10); }), ENOSYS);
}

TEST_F(ConfinementTest, ItWritesInItsHomeAlone) {
  if (!has_landlock()) {
    GTEST_SKIP() << "this kernel has no Landlock";
  }
  const std::string file = home() + "/file";
  EXPECT_EQ(outcome([&] { return ::open(file.c_str(), O_RDWR | O_CREAT, 0600); }), 0);
  EXPECT_EQ(outcome([&] { return ::mkdir((home() + "/new").c_str(), 0700); }), 0);
  EXPECT_EQ(outcome([&] { return ::rename(file.c_str(), (home() + "/tmp/file").c_str()); }), 0);
  for (const std::string& path : {outside("new"), std::string("/etc/msb-test"),
                                  std::string("/usr/bin/msb-test"), std::string("/msb-test")}) {
    EXPECT_EQ(outcome([&] { return ::open(path.c_str(), O_RDWR | O_CREAT, 0600); }), EACCES)
        << path;
  }
  EXPECT_EQ(outcome([&] { return ::open(outside("secret").c_str(), O_WRONLY); }), EACCES);
  EXPECT_EQ(outcome([&] { return ::unlink(outside("secret").c_str()); }), EACCES);
  EXPECT_EQ(outcome([&] { return ::mkdir(outside("new").c_str(), 0700); }), EACCES);
  EXPECT_EQ(outcome([&] { return ::truncate(outside("secret").c_str(), 0); }), ENOSYS);
}

TEST_F(ConfinementTest, ItReadsNoFilesOfOthers) {
  if (!has_landlock()) {
    GTEST_SKIP() << "this kernel has no Landlock";
  }
  EXPECT_EQ(outcome([&] { return ::open(outside("secret").c_str(), O_RDONLY); }), EACCES);
  for (const char* folder : {"/", "/root", "/home", "/var", "/proc", "/sys", "/dev"}) {
    EXPECT_EQ(outcome([&] { return ::open(folder, O_RDONLY | O_DIRECTORY); }), EACCES) << folder;
  }
  // What libraries read.
  EXPECT_EQ(outcome([] { return ::open("/etc/hosts", O_RDONLY); }), 0);
}

TEST_F(ConfinementTest, ItChangesNoModesOwnersOrNames) {
  EXPECT_EQ(outcome([&] { return ::chmod(outside("secret").c_str(), 0777); }), EPERM);
  EXPECT_EQ(outcome([&] { return ::chown(outside("secret").c_str(), 1, 1); }), EPERM);
  EXPECT_EQ(outcome([&] { return ::link(outside("secret").c_str(), (home() + "/x").c_str()); }),
            EPERM);
  EXPECT_EQ(outcome([&] { return ::symlink("/etc", (home() + "/x").c_str()); }), EPERM);
  const std::string folder = home() + "/tmp";
  const auto own = [&](uid_t owner, gid_t group) {
    const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY);
    return fd < 0 ? -1 : ::fchown(fd, owner, group);
  };
  EXPECT_EQ(outcome([&] { return own(1, 1); }), ENOSYS);
  EXPECT_EQ(outcome([&] { return own(image::unpack::kStoreIdBase, 0); }), ENOSYS);
  const auto mode = [&](mode_t bits) {
    const int fd = ::open((home() + "/m").c_str(), O_RDWR | O_CREAT, 0600);
    return fd < 0 ? -1 : ::fchmod(fd, bits);
  };
  EXPECT_EQ(outcome([&] { return mode(0644); }), 0);
  EXPECT_EQ(outcome([&] { return mode(04755); }), ENOSYS);
}

TEST_F(ConfinementTest, ItSpeaksIpAlone) {
  const auto pair = [](int type) {
    int ends[2];
    return ::socketpair(AF_UNIX, type, 0, ends);
  };
  EXPECT_EQ(outcome([&] { return pair(SOCK_SEQPACKET | SOCK_CLOEXEC); }), 0);
  // Its ends would write to any socket of the host's services.
  EXPECT_EQ(outcome([&] { return pair(SOCK_DGRAM); }), ENOSYS);
  EXPECT_EQ(outcome([&] { return pair(SOCK_DGRAM | SOCK_CLOEXEC); }), ENOSYS);
  const auto socket = [](int family, int type, int protocol) {
    return [=] { return static_cast<long>(::socket(family, type, protocol)); };
  };
  EXPECT_EQ(outcome(socket(AF_INET, SOCK_STREAM, 0)), 0);
  EXPECT_EQ(outcome(socket(AF_INET6, SOCK_DGRAM, 0)), 0);
  EXPECT_EQ(outcome(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)), 0);
  // The host's own services take a root's word: D-Bus, systemd, Docker.
  EXPECT_EQ(outcome(socket(AF_UNIX, SOCK_STREAM, 0)), EAFNOSUPPORT);
  EXPECT_EQ(outcome(socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT)), ENOSYS);
  EXPECT_EQ(outcome(socket(AF_PACKET, SOCK_RAW, 0)), ENOSYS);
  EXPECT_EQ(outcome(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)), EPERM) << "takes a capability";
}

TEST_F(ConfinementTest, ItHasNoWayToTheKernelsInsideOrToNewRights) {
  const struct {
    const char* name;
    long number;
  } calls[] = {{"unshare", SYS_unshare},       {"setns", SYS_setns},
               {"mount", SYS_mount},           {"umount2", SYS_umount2},
               {"pivot_root", SYS_pivot_root}, {"open_tree", SYS_open_tree},
               {"fsopen", SYS_fsopen},         {"bpf", SYS_bpf},
               {"keyctl", SYS_keyctl},         {"init_module", SYS_init_module},
               {"kexec_load", SYS_kexec_load}, {"perf_event_open", SYS_perf_event_open},
               {"setuid", SYS_setuid},         {"userfaultfd", SYS_userfaultfd},
               {"chroot", SYS_chroot},         {"io_uring_setup", SYS_io_uring_setup},
               {"reboot", SYS_reboot},         {"open_by_handle_at", SYS_open_by_handle_at},
               {"mknod", SYS_mknod},           {"process_vm_readv", SYS_process_vm_readv}};
  for (const auto& [name, number] : calls) {
    EXPECT_EQ(outcome([number] { return ::syscall(number, -1L, -1L, -1L, -1L, -1L, -1L); }), EPERM)
        << name;
  }
  EXPECT_EQ(outcome([] { return ::syscall(SYS_clone3, nullptr, 0); }), ENOSYS);
  EXPECT_EQ(outcome([] {
              const void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return page == MAP_FAILED ? -1L : 0L;
            }),
            ENOSYS);
  EXPECT_EQ(outcome([] {
              void* page =
                  ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
              return static_cast<long>(::mprotect(page, 4096, PROT_READ | PROT_EXEC));
            }),
            ENOSYS);
}

}  // namespace
}  // namespace msb::server
