// SPDX-License-Identifier: Apache-2.0
//
// What a sandbox is from the inside, asked of a real one.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/jail/id_map.h"
#include "isolation/testing/guest.h"

namespace msb::isolation::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class JailTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    if (!cannot_make_sandboxes()) {
      host_ = new Host;
    }
  }
  static void TearDownTestSuite() {
    delete host_;
    host_ = nullptr;
  }
  void SetUp() override {
    if (const auto reason = cannot_make_sandboxes()) {
      GTEST_SKIP() << *reason;
    }
  }

  // A folder of the host beneath home, with one file of `owner` in it.
  static std::string make_volume(const std::string& name, uid_t owner) {
    std::string path = host_->home() + "/" + name;
    fs::create_directory(path);
    EXPECT_TRUE(base::write_file_atomic(path + "/file", "host\n").has_value());
    EXPECT_EQ(::chown(path.c_str(), owner, owner), 0);
    EXPECT_EQ(::chown((path + "/file").c_str(), owner, owner), 0);
    return path;
  }

  static Volume volume(const std::string& source, const std::string& guest, bool read_only) {
    auto fd = base::sys::open(source, O_PATH);
    EXPECT_TRUE(fd.has_value());
    return {std::move(*fd), guest, read_only};
  }

  static std::string call(long number, const std::string& arguments = "") {
    return "call " + std::to_string(number) + " " + arguments;
  }

  static Host* host_;
};

Host* JailTest::host_ = nullptr;

TEST_F(JailTest, TheAgentIsTheFirstProcessAndAlone) {
  Guest guest = host_->start();
  const std::string status = guest.ask("read /proc/self/status");
  EXPECT_THAT(status, HasSubstr("\nPid:\t1\n"));
  EXPECT_THAT(status, HasSubstr("\nUid:\t0\t0\t0\t0\n"));
  EXPECT_THAT(status, HasSubstr("\nGroups:\t \n"));
  std::string processes;
  for (const char c : guest.ask("list /proc")) {
    processes.push_back(c);
  }
  EXPECT_THAT(" " + processes, Not(HasSubstr(" 2 ")));
}

TEST_F(JailTest, ItsRootHasOnlyHarmlessCapabilities) {
  Guest guest = host_->start();
  const std::string status = guest.ask("read /proc/self/status");
  EXPECT_THAT(status, HasSubstr("CapPrm:\t00000000000004fb"));
  EXPECT_THAT(status, HasSubstr("CapBnd:\t00000000000004fb"));
  EXPECT_THAT(status, HasSubstr("CapAmb:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("CapInh:\t0000000000000000"));
  EXPECT_THAT(status, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(status, HasSubstr("Seccomp:\t2"));
}

TEST_F(JailTest, ItHoldsNothingButTheStreamOpen) {
  Guest guest = host_->start();
  // The listing itself has the fifth.
  EXPECT_EQ(guest.ask("list /proc/self/fd"), "0 1 2 3 4 ");
  EXPECT_EQ(guest.ask("readlink /proc/self/fd/0"), "/dev/null");
  EXPECT_EQ(guest.ask("readlink /proc/self/fd/2"), "/dev/null");
}

TEST_F(JailTest, ItsUserIdsAreARangeOfItsOwn) {
  Guest one = host_->start();
  Guest two = host_->start();
  const std::string first = one.ask("read /proc/self/uid_map");
  const std::string second = two.ask("read /proc/self/uid_map");
  EXPECT_THAT(first, HasSubstr(" 65536\n"));
  EXPECT_NE(first, second);
  // The image's files, stored as one identity, are root's in both.
  EXPECT_EQ(one.ask("stat /data/lower"), "100644 0 0");
  EXPECT_EQ(two.ask("stat /data/lower"), "100644 0 0");
  EXPECT_EQ(one.ask("stat /tmp"), "41777 0 0");
}

TEST_F(JailTest, WhatItWritesLandsInItsWritableLayerOnly) {
  Guest one = host_->start();
  Guest two = host_->start();
  EXPECT_EQ(one.ask("write /data/lower changed"), "7");
  EXPECT_EQ(one.ask("write /data/new x"), "1");
  EXPECT_EQ(two.ask("read /data/lower"), "from the image\n");
  EXPECT_EQ(two.ask("read /data/new"), "!ENOENT");
  EXPECT_EQ(one.ask("as 1000 1000 write /tmp/mine x"), "1");
  EXPECT_EQ(one.ask("stat /tmp/mine"), "100644 1000 1000");
  EXPECT_EQ(one.ask("as 1000 1000 write /data/lower x"), "!EACCES");
}

TEST_F(JailTest, ItsWritableLayerOutlivesIt) {
  SandboxSpec spec = host_->spec();
  const std::string writable = spec.writable_path;
  {
    auto guest = host_->start(std::move(spec));
    ASSERT_TRUE(guest.has_value()) << guest.error().message();
    EXPECT_EQ(guest->ask("write /data/kept yes"), "3");
    EXPECT_EQ(guest->ask("as 1000 1000 write /tmp/mine x"), "1");
    EXPECT_EQ(guest->ask("remove /data/lower"), "0");
    const std::string id = guest->id;
    guest->started = {};
    ASSERT_TRUE(host_->warden().destroy(id).has_value());
  }
  SandboxSpec again = host_->spec();
  again.writable_path = writable;
  auto guest = host_->start(std::move(again));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_EQ(guest->ask("read /data/kept"), "yes");
  EXPECT_EQ(guest->ask("stat /tmp/mine"), "100644 1000 1000");
  EXPECT_EQ(guest->ask("read /data/lower"), "!ENOENT");
}

TEST_F(JailTest, ItsWritableLayerSurvivesACrashOfTheHost) {
  SandboxSpec spec = host_->spec();
  const std::string image = spec.writable_path + "/disk.img";
  auto first = host_->start(std::move(spec));
  ASSERT_TRUE(first.has_value()) << first.error().message();
  EXPECT_EQ(first->ask("write /data/kept yes"), "3");
  EXPECT_EQ(first->ask("fill /data/big 8"), "8 fits");
  EXPECT_EQ(first->ask("call " + std::to_string(SYS_sync)), "0");
  // What the disk would hold if the host lost its power now: mounted, never unmounted.
  SandboxSpec after = host_->spec();
  fs::copy_file(image, after.writable_path + "/disk.img");
  auto second = host_->start(std::move(after));
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_EQ(second->ask("read /data/kept"), "yes");
  EXPECT_EQ(second->ask("fill /data/more 8"), "8 fits");
}

TEST_F(JailTest, LayersAreStackedInOrder) {
  SandboxSpec spec = host_->spec();
  const std::string base = spec.layer_paths[0];
  spec.layer_paths.clear();
  for (int i = 0; i < 120; ++i) {
    const std::string layer = host_->make_layer("stack-" + std::to_string(i));
    ASSERT_TRUE(base::write_file_atomic(layer + "/top", std::to_string(i)).has_value());
    ASSERT_TRUE(base::write_file_atomic(layer + "/l" + std::to_string(i), "x").has_value());
    host_->give_to_store(layer);
    spec.layer_paths.push_back(layer);
  }
  spec.layer_paths.push_back(base);
  auto guest = host_->start(std::move(spec));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_EQ(guest->ask("read /top"), "119");
  EXPECT_EQ(guest->ask("read /l0"), "x");
  EXPECT_EQ(guest->ask("read /data/lower"), "from the image\n");
}

TEST_F(JailTest, ItHasTheDevicesThatProgramsNeedAndNoOther) {
  Guest guest = host_->start();
  EXPECT_EQ(guest.ask("list /dev"),
            "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ");
  EXPECT_EQ(guest.ask("write /dev/null x"), "1");
  EXPECT_EQ(guest.ask("write /dev/full x"), "!ENOSPC");
  EXPECT_EQ(guest.ask("terminal"), "/dev/pts/0 group 5");
  // Landlock's answer, or the kernel's own.
  EXPECT_THAT(guest.ask("device /tmp/null"), AnyOf("!EACCES", "!EPERM"));
  EXPECT_EQ(guest.ask("write /dev/shm/x y"), "1");
  EXPECT_EQ(guest.ask("statfs /dev/shm"), std::to_string(32 << 20));
}

TEST_F(JailTest, ItsSettingsOfTheKernelAreReadOnly) {
  Guest guest = host_->start();
  // Their owner is nobody inside, and the mount would not let even the owner.
  EXPECT_EQ(guest.ask("write /proc/sys/kernel/hostname x"), "!EACCES");
  EXPECT_EQ(guest.ask("write /proc/sys/vm/drop_caches 1"), "!EACCES");
  EXPECT_EQ(guest.ask("write /proc/irq/default_smp_affinity 1"), "!EROFS");
  const std::string mounts = guest.ask("read /proc/self/mountinfo");
  for (const char* folder : {"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs"}) {
    EXPECT_THAT(mounts, HasSubstr(std::string(" ") + folder + " ro,"));
  }
  EXPECT_EQ(guest.ask("read /proc/keys"), "");
  EXPECT_EQ(guest.ask("read /proc/kallsyms"), "");
  EXPECT_EQ(guest.ask("write /sys/x y"), "!EROFS");
  EXPECT_EQ(guest.ask("list /sys"), "class devices fs kernel ");
  EXPECT_EQ(guest.ask("list /sys/class/net"), "lo ");
  EXPECT_EQ(guest.ask("write /sys/devices/system/cpu/online 0"), "!EACCES");
  for (const char* kind : {"user", "mnt", "pid", "net"}) {
    EXPECT_EQ(guest.ask(std::string("read /proc/sys/user/max_") + kind + "_namespaces"), "0\n");
  }
}

TEST_F(JailTest, ItsNameIsWhereProgramsLook) {
  auto guest = host_->start(host_->spec("my-box"));
  ASSERT_TRUE(guest.has_value());
  EXPECT_EQ(guest->ask("hostname"), "my-box");
  EXPECT_EQ(guest->ask("read /etc/hostname"), "my-box\n");
  EXPECT_THAT(guest->ask("read /etc/hosts"), HasSubstr("127.0.1.1\tmy-box\n"));
  EXPECT_THAT(guest->ask("read /etc/resolv.conf"), StartsWith("#"));
  EXPECT_EQ(guest->ask("move /etc/hosts /etc/old"), "0");
}

TEST_F(JailTest, AnImagesLinksInEtcDoNotLeadOut) {
  const std::string layer = host_->make_layer("links");
  fs::create_directory(layer + "/etc");
  const std::string victim = host_->home() + "/victim";
  ASSERT_TRUE(base::write_file_atomic(victim, "safe").has_value());
  fs::create_symlink(victim, layer + "/etc/hosts");
  fs::create_symlink("../../../../../../../../.." + victim, layer + "/etc/resolv.conf");
  host_->give_to_store(layer);
  SandboxSpec spec = host_->spec();
  spec.layer_paths.push_back(layer);
  auto guest = host_->start(std::move(spec));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_EQ(base::read_file(victim, 100).value(), "safe");
  EXPECT_THAT(guest->ask("read /etc/hosts"), HasSubstr("localhost"));
}

TEST_F(JailTest, OnlyItsOwnLoopbackIsThere) {
  Guest guest = host_->start();
  EXPECT_EQ(guest.ask("loopback 80"), "0");
  EXPECT_EQ(guest.ask("as 1000 1000 loopback 81"), "0");
  EXPECT_EQ(guest.ask("connect 10.0.0.1 80"), "!ENETUNREACH");
  EXPECT_EQ(guest.ask("connect 169.254.169.254 80"), "!ENETUNREACH");
  EXPECT_EQ(guest.ask("connect 127.0.0.1 22"), "!ECONNREFUSED");
}

TEST_F(JailTest, DangerousSystemCallsAreRefused) {
  Guest guest = host_->start();
  for (const long number : {SYS_mount,
                            SYS_umount2,
                            SYS_pivot_root,
                            SYS_unshare,
                            SYS_setns,
                            SYS_bpf,
                            SYS_keyctl,
                            SYS_add_key,
                            SYS_request_key,
                            SYS_io_uring_setup,
                            SYS_userfaultfd,
                            SYS_perf_event_open,
                            SYS_init_module,
                            SYS_kexec_load,
                            SYS_open_by_handle_at,
                            SYS_name_to_handle_at,
                            SYS_fsopen,
                            SYS_open_tree,
                            SYS_mount_setattr,
                            SYS_swapon,
                            SYS_reboot,
                            SYS_settimeofday,
                            SYS_acct,
                            SYS_quotactl,
                            SYS_syslog,
                            SYS_sethostname}) {
    EXPECT_EQ(guest.ask(call(number)), "!EPERM") << number;
  }
  EXPECT_EQ(guest.ask(call(SYS_clone3)), "!ENOSYS");
  EXPECT_EQ(guest.ask(call(9999)), "!ENOSYS");
  EXPECT_EQ(guest.ask(call(SYS_clone, "0x10000000")), "!EPERM");  // CLONE_NEWUSER
  EXPECT_EQ(guest.ask(call(SYS_clone, "0x20000")), "!EPERM");     // CLONE_NEWNS
  EXPECT_EQ(guest.ask("inject"), "!EPERM");
  EXPECT_EQ(guest.ask(call(SYS_socket, "17 3 0")), "!EAFNOSUPPORT");     // AF_PACKET
  EXPECT_EQ(guest.ask(call(SYS_socket, "38 5 0")), "!EAFNOSUPPORT");     // AF_ALG
  EXPECT_EQ(guest.ask(call(SYS_socket, "40 1 0")), "!EAFNOSUPPORT");     // AF_VSOCK
  EXPECT_EQ(guest.ask(call(SYS_socket, "16 3 9")), "!EPROTONOSUPPORT");  // NETLINK_AUDIT
  EXPECT_EQ(guest.ask(call(SYS_personality, "0x0400000")), "!ENOSYS");   // READ_IMPLIES_EXEC
}

TEST_F(JailTest, OrdinarySystemCallsWork) {
  Guest guest = host_->start();
  EXPECT_THAT(guest.ask(call(SYS_socket, "16 3 0")), Not(StartsWith("!")));  // NETLINK_ROUTE
  EXPECT_EQ(guest.ask("mkdir /tmp/a"), "0");
  EXPECT_EQ(guest.ask("mkdir /tmp/b"), "0");
  EXPECT_EQ(guest.ask("write /tmp/a/f x"), "1");
  // Between folders: what an older Landlock would forbid.
  EXPECT_EQ(guest.ask("move /tmp/a/f /tmp/b/f"), "0");
  EXPECT_EQ(guest.ask("link /tmp/b/f /tmp/l"), "0");
  EXPECT_EQ(guest.ask("as 1000 1000 kill 1 0"), "!EPERM");
}

TEST_F(JailTest, TheWritableLayerHasASize) {
  Guest guest = host_->start();
  const std::string filled = guest.ask("fill /big 500");
  EXPECT_THAT(filled, HasSubstr("!ENOSPC"));
  EXPECT_LT(std::stoi(filled), 64);
  EXPECT_GT(std::stoi(filled), 48);
  EXPECT_TRUE(guest.started.gauges.disk_limited);
  struct statfs use{};
  ASSERT_EQ(::fstatfs(guest.started.gauges.writable_layer.get(), &use), 0);
  EXPECT_LT(use.f_bavail, use.f_blocks / 20);
  EXPECT_EQ(guest.ask("remove /big"), "0");
  EXPECT_EQ(guest.ask("write /small x"), "1");
}

TEST_F(JailTest, TheMemoryLimitKillsWhatReachesIt) {
  Guest guest = host_->start();
  EXPECT_EQ(guest.ask("eat 16"), "exit 0");
  EXPECT_EQ(guest.ask("eat 256"), "signal 9");
  EXPECT_EQ(guest.ask("echo alive"), "alive");
  const auto events = base::read_all(guest.started.gauges.memory_events.get(), 4096);
  ASSERT_TRUE(events.has_value());
  EXPECT_THAT(*events, HasSubstr("oom_kill "));
  EXPECT_THAT(*events, Not(HasSubstr("oom_kill 0\n")));
}

TEST_F(JailTest, TheLimitOnProcessesHolds) {
  Guest guest = host_->start();
  EXPECT_EQ(guest.ask("fork 200"), "63 !EAGAIN");
  EXPECT_EQ(guest.ask("echo alive"), "alive");
}

TEST_F(JailTest, NeighboursAreInvisible) {
  Guest one = host_->start();
  Guest two = host_->start();
  EXPECT_EQ(one.ask("leave"), "exit 0");
  EXPECT_EQ(two.ask("kill 3 9"), "!ESRCH");
  EXPECT_EQ(one.ask("loopback 8080"), "0");
  EXPECT_EQ(two.ask("connect 127.0.0.1 8080"), "!ECONNREFUSED");
  EXPECT_THAT(one.ask("read /proc/self/mountinfo"), Not(HasSubstr(two.id)));
  EXPECT_THAT(one.ask("read /proc/self/mountinfo"), Not(HasSubstr(host_->home())));
}

TEST_F(JailTest, AVolumesFilesBelongToTheSandboxesUser) {
  const std::string source = make_volume("volume-rw", 501);
  SandboxSpec spec = host_->spec();
  spec.volumes.push_back(volume(source, "/mnt/host/data", false));
  spec.volume_uid = 1000;
  spec.volume_gid = 1000;
  auto guest = host_->start(std::move(spec));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_TRUE(guest->started.weaknesses.empty());
  EXPECT_EQ(guest->ask("stat /mnt/host/data/file"), "100644 1000 1000");
  EXPECT_EQ(guest->ask("as 1000 1000 write /mnt/host/data/new made"), "4");
  EXPECT_EQ(base::read_file(source + "/new", 100).value(), "made");
  struct stat status{};
  ASSERT_EQ(::stat((source + "/new").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 501u);
  // What others inside create is nobody's on the host.
  EXPECT_EQ(guest->ask("write /mnt/host/data/root x"), "1");
  ASSERT_EQ(::stat((source + "/root").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, jail::kStoreBase);
}

TEST_F(JailTest, AReadOnlyVolumeIsReadOnly) {
  const std::string source = make_volume("volume-ro", 501);
  SandboxSpec spec = host_->spec();
  spec.volumes.push_back(volume(source, "/data/ro", true));
  spec.volumes.push_back(volume(source + "/file", "/etc/app.conf", true));
  auto guest = host_->start(std::move(spec));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_EQ(guest->ask("read /data/ro/file"), "host\n");
  EXPECT_EQ(guest->ask("read /etc/app.conf"), "host\n");
  EXPECT_EQ(guest->ask("write /data/ro/file x"), "!EROFS");
  EXPECT_EQ(guest->ask("write /etc/app.conf x"), "!EROFS");
  EXPECT_EQ(guest->ask("remove /data/ro/file"), "!EROFS");
}

TEST_F(JailTest, AVolumesPlaceCannotLeadOutOfTheImage) {
  const std::string layer = host_->make_layer("escape");
  const std::string outside = host_->home() + "/outside";
  fs::create_directory(outside);
  fs::create_symlink(outside, layer + "/out");
  host_->give_to_store(layer);
  const std::string source = make_volume("volume-link", 0);
  SandboxSpec spec = host_->spec();
  spec.layer_paths.push_back(layer);
  spec.volumes.push_back(volume(source, "/out/deep", false));
  auto guest = host_->start(std::move(spec));
  // The link leads to a name that the image does not have.
  ASSERT_FALSE(guest.has_value());
  EXPECT_THAT(guest.error().message(), HasSubstr("volume /out/deep"));
  EXPECT_TRUE(fs::is_empty(outside));
}

TEST_F(JailTest, TheAgentItselfCannotBeChanged) {
  Guest guest = host_->start();
  EXPECT_EQ(guest.ask("write /proc/self/exe x"), "!EACCES");
  EXPECT_THAT(guest.ask("read /proc/self/exe").substr(1, 3), ::testing::Eq("ELF"));
}

}  // namespace
}  // namespace msb::isolation::testing
