// SPDX-License-Identifier: Apache-2.0
//
// Machines that really boot, as the warden makes them, with the probe agent inside. One boot serves
// as many promises as can be tried on it: emulated, it costs seconds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/locations.h"
#include "base/parse.h"
#include "base/sys.h"
#include "isolation/machine_orders.h"
#include "isolation/microvm/host_needs.h"
#include "isolation/microvm/kernel_image.h"
#include "isolation/testing/guest.h"

namespace msb::isolation::microvm {
namespace {

namespace fs = std::filesystem;
using testing::Guest;
using ::testing::HasSubstr;
using testing::Host;
using ::testing::Not;

// Why no machine can be booted here, or nullopt.
std::optional<std::string> cannot_boot() {
  if (const auto reason = testing::cannot_make_sandboxes()) {
    return reason;
  }
  const std::string libexec = fs::path(*base::find_program("msb-warden")).parent_path().string();
  for (const Finding& finding : examine_host(true, libexec)) {
    if (finding.level == Finding::Level::kMissing) {
      return finding.detail;
    }
  }
  return std::nullopt;
}

bool machine_has_volumes() {
  const std::string libexec = fs::path(*base::find_program("msb-warden")).parent_path().string();
  const auto kernel = find_kernel(kernel_roots(libexec));
  return kernel && kernel->has_volumes;
}

class MicrovmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cannot_boot()) {
      GTEST_SKIP() << *reason;
    }
  }
  static SandboxSpec spec(Host& host, const std::string& name = "test") {
    SandboxSpec spec = host.spec(name);
    spec.tier = {.kind = Tier::Kind::kMicrovm, .runtime = {}};
    spec.machine = MachineSpec{.image_digest = std::string(64, 'a'),
                               .begin = MachineSpec::Begin::kBoot,
                               .template_path = {}};
    return spec;
  }
};

// Pids of this host's processes of that name whose parent chain begins in our warden: the test's
// own sandboxes only, told apart by the id in their cgroup's path.
std::set<pid_t> processes_of(const std::string& name, const std::string& sandbox_id) {
  std::set<pid_t> found;
  for (const fs::directory_entry& entry : fs::directory_iterator("/proc")) {
    const auto pid = base::parse_number<pid_t>(entry.path().filename().string());
    if (!pid) {
      continue;
    }
    std::string comm;
    std::getline(std::ifstream(entry.path() / "comm") >> std::ws, comm);
    std::ifstream cgroup(entry.path() / "cgroup");
    const std::string groups{std::istreambuf_iterator<char>(cgroup), {}};
    if (comm == name && groups.contains(sandbox_id)) {
      found.insert(*pid);
    }
  }
  return found;
}

// What the host's kernel says of the sandbox's one QEMU.
std::string status_of_qemu(const std::string& sandbox_id) {
  const auto qemu = processes_of("qemu-system-x86", sandbox_id);
  EXPECT_EQ(qemu.size(), 1u);
  std::ifstream status("/proc/" + std::to_string(qemu.empty() ? 0 : *qemu.begin()) + "/status");
  return {std::istreambuf_iterator<char>(status), {}};
}

TEST_F(MicrovmTest, GuestHasAKernelOfItsOwnAndTheWallsOfAJail) {
  Host host;
  auto guest = host.start(spec(host));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();

  EXPECT_EQ(guest->ask("hostname"), "test");
  EXPECT_EQ(guest->ask("read /data/lower"), "from the image\n");
  EXPECT_THAT(guest->ask("read /proc/version"), HasSubstr("Debian"));
  EXPECT_EQ(guest->ask("read /etc/hostname"), "test\n");
  // The clock is the host's, not a chip's.
  EXPECT_EQ(guest->ask("read /proc/sys/kernel/random/boot_id").size(), 37u);
  EXPECT_EQ(guest->ask("write /data/new text"), "4");
  EXPECT_EQ(guest->ask("read /data/new"), "text");
  EXPECT_EQ(guest->ask("read /proc/kcore"), "");
  EXPECT_EQ(guest->ask("stat /dev/vda"), "!ENOENT");

  // In the host's eyes: QEMU is nobody, and can become nobody else.
  const std::string text = status_of_qemu(guest->id);
  EXPECT_THAT(text, HasSubstr("CapPrm:\t0000000000000000"));
  EXPECT_THAT(text, HasSubstr("CapBnd:\t0000000000000000"));
  EXPECT_THAT(text, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(text, HasSubstr("Seccomp:\t2"));

  EXPECT_TRUE(host.warden().destroy(guest->id).has_value());
  EXPECT_EQ(host.exit_of(guest->id)->cause, SandboxExit::Cause::kDestroyed);
  EXPECT_TRUE(processes_of("qemu-system-x86", guest->id).empty());
}

TEST_F(MicrovmTest, AMachineStandsStillAndGoesOn) {
  Host host;
  auto guest = host.start(spec(host));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  const int orders = guest->started.orders.get();
  for (int twice = 0; twice < 2; ++twice) {
    const auto paused = move_machine(orders, Motion::kFrozen);
    ASSERT_TRUE(paused.has_value()) << paused.error().message();
  }
  guest->tell("echo on");
  EXPECT_FALSE(*base::sys::poll_one(guest->started.stream.get(), POLLIN, std::chrono::seconds(3)));
  for (int twice = 0; twice < 2; ++twice) {
    ASSERT_TRUE(move_machine(orders, Motion::kFree).has_value());
  }
  EXPECT_EQ(guest->ask("echo again"), "on");  // the answer of the first
  // What a machine is told while it stands still it hears all at once.
  for (const char* name : {"first", "second", "third"}) {
    ASSERT_TRUE(move_machine(orders, Motion::kFrozen).has_value());
    ASSERT_TRUE(move_machine(orders, Motion::kFree).has_value());
    const auto renamed = rename_machine(orders, name);
    ASSERT_TRUE(renamed.has_value()) << renamed.error().message();
    guest->ask("hostname");  // the answer of the one before
    EXPECT_EQ(guest->ask("hostname"), name);
  }
  // A machine that stands still ends, too, and what its guest has written is on its disk.
  ASSERT_TRUE(move_machine(orders, Motion::kFrozen).has_value());
  EXPECT_TRUE(host.warden().destroy(guest->id).has_value());
  EXPECT_EQ(host.exit_of(guest->id)->cause, SandboxExit::Cause::kDestroyed);
  EXPECT_FALSE(move_machine(orders, Motion::kFree).has_value());
}

TEST_F(MicrovmTest, DeathOfQemuIsTheEndOfTheSandbox) {
  Host host;
  auto guest = host.start(spec(host));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  const auto qemu = processes_of("qemu-system-x86", guest->id);
  ASSERT_EQ(qemu.size(), 1u);
  ::kill(*qemu.begin(), SIGKILL);
  const auto exit = host.exit_of(guest->id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, SandboxExit::Cause::kAgentKilled);
  EXPECT_EQ(exit->code, SIGKILL);
  EXPECT_EQ(guest->ask("hostname"), "!gone");
  EXPECT_TRUE(processes_of("msb-vm", guest->id).empty());
}

TEST_F(MicrovmTest, EndOfTheAgentIsTheEndOfTheMachine) {
  Host host;
  auto guest = host.start(spec(host));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  guest->tell("exit 7");
  const auto exit = host.exit_of(guest->id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 7);
}

TEST_F(MicrovmTest, WhatWasWrittenIsThereAfterAStop) {
  Host host;
  SandboxSpec first = spec(host);
  const std::string writable = first.writable_path;
  auto guest = host.start(std::move(first));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_EQ(guest->ask("write /data/kept text"), "4");
  EXPECT_TRUE(host.warden().destroy(guest->id).has_value());

  SandboxSpec second = spec(host);
  second.writable_path = writable;
  auto again = host.start(std::move(second));
  ASSERT_TRUE(again.has_value()) << again.error().message();
  EXPECT_EQ(again->ask("read /data/kept"), "text");
}

TEST_F(MicrovmTest, VolumesAreTheirOwnersAndReadOnlyWhereTheyAre) {
  if (!machine_has_volumes()) {
    GTEST_SKIP() << "the kernel for machines has no 9p: tools/fetch-guest-kernel";
  }
  Host host;
  const auto folder = base::TempDir::create();
  const std::string source = folder->path();
  fs::permissions(source, fs::perms::owner_all);
  ASSERT_TRUE(base::write_file_atomic(source + "/in", "from the host", 0600).has_value());
  SandboxSpec spec = MicrovmTest::spec(host);
  for (const bool read_only : {false, true}) {
    spec.volumes.push_back({.source = *base::sys::open(source, O_PATH),
                            .guest_path = read_only ? "/mnt/ro" : "/mnt/rw",
                            .read_only = read_only});
  }
  spec.volumes.push_back({.source = *base::sys::open(source + "/in", O_PATH),
                          .guest_path = "/etc/app.conf",
                          .read_only = true});
  spec.volume_uid = spec.volume_gid = 1000;
  auto guest = host.start(std::move(spec));
  ASSERT_TRUE(guest.has_value()) << guest.error().message();
  EXPECT_EQ(guest->ask("as 1000 1000 read /mnt/rw/in"), "from the host");
  EXPECT_EQ(guest->ask("read /etc/app.conf"), "from the host");
  EXPECT_EQ(guest->ask("as 1001 1001 read /mnt/rw/in"), "!EACCES");
  EXPECT_EQ(guest->ask("as 1000 1000 write /mnt/rw/out text"), "4");
  EXPECT_EQ(guest->ask("write /mnt/ro/out text"), "!EROFS");
  EXPECT_EQ(guest->ask("write /etc/app.conf text"), "!EROFS");
  // On the host it is its folder's owner's.
  const auto made = base::sys::stat(source + "/out");
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->st_uid, ::geteuid());
  EXPECT_EQ(*base::read_file(source + "/out", 10), "text");

  // QEMU, which a guest's kernel may have taken over, is that owner within this folder alone, and
  // may give nothing there the power of its owner.
  const std::string text = status_of_qemu(guest->id);
  EXPECT_THAT(text, Not(HasSubstr("Uid:\t0\t")));
  EXPECT_THAT(text, HasSubstr("CapEff:\t0000000000000000"));
}

// What the engine does with a machine that is to be saved.
void save(const Guest& guest, const std::string& disk, const std::string& folder) {
  fs::create_directories(folder);
  const auto state = base::sys::open(folder + "/state", O_RDWR | O_CREAT | O_EXCL, 0600);
  const auto memory = base::sys::open(folder + "/memory", O_RDWR | O_CREAT | O_EXCL, 0444);
  ASSERT_TRUE(state.has_value() && memory.has_value());
  const auto begin = std::chrono::steady_clock::now();
  const auto saved = save_machine(guest.started.orders.get(), state->get(), memory->get());
  ASSERT_TRUE(saved.has_value()) << saved.error().message();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("saved in %.3f s, %.0f MiB\n", took.count(),
              static_cast<double>(base::sys::fstat(memory->get())->st_blocks) / 2048);
  fs::copy_file(disk, folder + "/disk.img");
}

Result<Guest> start_clone(Host& host, SandboxSpec clone, const std::string& folder) {
  clone.machine->begin = MachineSpec::Begin::kClone;
  clone.machine->template_path = folder;
  const auto begin = std::chrono::steady_clock::now();
  auto guest = host.start(std::move(clone));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::printf("a clone: %.3f s\n", took.count());
  return guest;
}

TEST_F(MicrovmTest, ClonesAreSomebodyElseEachAndCanBeClonedAgain) {
  Host host;
  const std::string folder = host.home() + "/machines/templates/t";
  SandboxSpec original = spec(host);
  const std::string disk = original.writable_path + "/disk.img";
  {
    auto guest = host.start(std::move(original));
    ASSERT_TRUE(guest.has_value()) << guest.error().message();
    EXPECT_EQ(guest->ask("write /data/early text"), "4");
    save(*guest, disk, folder);
    // It goes on as if nothing had been.
    ASSERT_TRUE(move_machine(guest->started.orders.get(), Motion::kFree).has_value());
    EXPECT_EQ(guest->ask("write /data/late text"), "4");
    EXPECT_TRUE(host.warden().destroy(guest->id).has_value());
  }
  std::vector<Guest> clones;
  std::vector<std::string> disks;
  for (const char* name : {"one", "two"}) {
    SandboxSpec clone = spec(host, name);
    disks.push_back(clone.writable_path + "/disk.img");
    auto guest = start_clone(host, std::move(clone), folder);
    ASSERT_TRUE(guest.has_value()) << guest.error().message();
    EXPECT_EQ(guest->ask("hostname"), name);
    EXPECT_EQ(guest->ask("read /data/early"), "text");
    EXPECT_EQ(guest->ask("read /data/late"), "!ENOENT");
    clones.push_back(*std::move(guest));
  }
  EXPECT_NE(clones[0].ask("read /proc/sys/kernel/random/boot_id"),
            clones[1].ask("read /proc/sys/kernel/random/boot_id"));
  EXPECT_NE(clones[0].ask("read /proc/sys/kernel/random/uuid"),
            clones[1].ask("read /proc/sys/kernel/random/uuid"));
  EXPECT_EQ(clones[0].ask("write /data/own one"), "3");
  EXPECT_EQ(clones[1].ask("read /data/own"), "!ENOENT");

  // What a clone has written since is its own memory's, not its template's.
  const std::string second = host.home() + "/machines/templates/u";
  save(clones[0], disks[0], second);
  ASSERT_TRUE(move_machine(clones[0].started.orders.get(), Motion::kFree).has_value());
  auto grandchild = start_clone(host, spec(host, "three"), second);
  ASSERT_TRUE(grandchild.has_value()) << grandchild.error().message();
  EXPECT_EQ(grandchild->ask("hostname"), "three");
  EXPECT_EQ(grandchild->ask("read /data/own"), "one");
  EXPECT_EQ(clones[0].ask("write /data/own two"), "3");
  EXPECT_EQ(grandchild->ask("read /data/own"), "one");
}

}  // namespace
}  // namespace msb::isolation::microvm
