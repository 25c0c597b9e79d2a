// SPDX-License-Identifier: Apache-2.0
//
// Lives and deaths: of sandboxes, of the warden, of the program that uses it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "isolation/testing/comes_true.h"
#include "isolation/testing/guest.h"
#include "isolation/warden/identities.h"

namespace msb::isolation::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using Cause = SandboxExit::Cause;

constexpr std::chrono::seconds kPatience{20};

class WardenTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cannot_make_sandboxes()) {
      GTEST_SKIP() << *reason;
    }
  }
};

// Folders of cgroups whose path contains `part`.
std::set<std::string> cgroups_with(const std::string& part) {
  std::set<std::string> found;
  std::error_code error;
  for (fs::recursive_directory_iterator entry("/sys/fs/cgroup", error), end; entry != end;
       entry.increment(error)) {
    if (entry->is_directory(error) && entry->path().string().contains(part)) {
      found.insert(entry->path().string());
    }
  }
  return found;
}

// Loop devices whose image lies beneath `home`.
std::set<std::string> loops_of(const std::string& home) {
  std::set<std::string> found;
  std::error_code error;
  for (const auto& device : fs::directory_iterator("/sys/block", error)) {
    const auto image = base::read_file(device.path().string() + "/loop/backing_file", 4096);
    if (image && image->starts_with(home)) {
      found.insert(device.path().string());
    }
  }
  return found;
}

std::string mounts_of(const std::string& home) {
  std::ifstream file("/proc/self/mountinfo");
  std::string found;
  for (std::string line; std::getline(file, line);) {
    if (line.contains(home)) {
      found += line + "\n";
    }
  }
  return found;
}

// Processes that a warden of `engine_id` is or holds, by its command line; sandboxes by their
// being children of it.
std::vector<pid_t> wardens_of(const std::string& engine_id) {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc", error)) {
    const auto line = base::read_file(entry.path().string() + "/cmdline", 64 * 1024);
    if (line && line->contains(engine_id) && line->starts_with("msb-warden")) {
      found.push_back(std::stoi(entry.path().filename().string()));
    }
  }
  return found;
}

int open_descriptors() {
  return static_cast<int>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

void expect_nothing_left(const std::string& engine_id, const std::string& home) {
  EXPECT_TRUE(comes_true([&] { return wardens_of(engine_id).empty(); }));
  EXPECT_TRUE(comes_true([&] { return loops_of(home).empty(); }));
  EXPECT_EQ(mounts_of(home), "");
}

TEST_F(WardenTest, DestroyAnswersWhenAllIsGone) {
  Host host;
  Guest guest = host.start();
  EXPECT_EQ(guest.ask("leave"), "exit 0");
  EXPECT_FALSE(cgroups_with(guest.id).empty());
  guest.started.gauges = {};
  ASSERT_TRUE(host.warden().destroy(guest.id).has_value());
  EXPECT_TRUE(cgroups_with(guest.id).empty());
  EXPECT_TRUE(loops_of(host.home()).empty());
  EXPECT_EQ(mounts_of(host.home()), "");
  const auto exit = host.exit_of(guest.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kDestroyed);
  // Again, and one that never was: a success.
  EXPECT_TRUE(host.warden().destroy(guest.id).has_value());
  EXPECT_TRUE(host.warden().destroy("not there").has_value());
}

TEST_F(WardenTest, ReportsHowTheAgentEnded) {
  Host host;
  Guest one = host.start();
  one.tell("exit 7");
  auto exit = host.exit_of(one.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kAgentExited);
  EXPECT_EQ(exit->code, 7);
  EXPECT_FALSE(exit->out_of_memory);
  EXPECT_TRUE(cgroups_with(one.id).empty());

  Guest two = host.start();
  two.tell("die");
  exit = host.exit_of(two.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kAgentKilled);
  EXPECT_EQ(exit->code, SIGKILL);
  EXPECT_TRUE(exit->out_of_memory);
}

// As the kernel writes it.
std::string cpu_usage_of(const Guest& guest) {
  std::string text(4096, '\0');
  const ssize_t size = ::pread(guest.started.gauges.cpu_usage.get(), text.data(), text.size(), 0);
  return text.substr(0, size > 0 ? static_cast<std::size_t>(size) : 0);
}

TEST_F(WardenTest, AFrozenSandboxStandsStillAndGoesOn) {
  Host host;
  Guest guest = host.start();
  EXPECT_EQ(guest.ask("echo before"), "before");
  const auto frozen = host.warden().freeze(guest.id, Motion::kFrozen);
  if (!frozen && frozen.error().is(ErrorCode::kUnsupported)) {
    GTEST_SKIP() << frozen.error().message();
  }
  ASSERT_TRUE(frozen.has_value()) << frozen.error().message();
  EXPECT_TRUE(host.warden().freeze(guest.id, Motion::kFrozen).has_value());
  const std::string used = cpu_usage_of(guest);
  guest.tell("echo after");
  EXPECT_FALSE(
      *base::sys::poll_one(guest.started.stream.get(), POLLIN, std::chrono::milliseconds(200)));
  EXPECT_EQ(cpu_usage_of(guest), used);
  ASSERT_TRUE(host.warden().freeze(guest.id, Motion::kFree).has_value());
  EXPECT_TRUE(*base::sys::poll_one(guest.started.stream.get(), POLLIN, kPatience));
  EXPECT_TRUE(host.warden().freeze(guest.id, Motion::kFree).has_value());
}

TEST_F(WardenTest, AFrozenSandboxCanBeDestroyed) {
  Host host;
  Guest guest = host.start();
  EXPECT_EQ(guest.ask("leave"), "exit 0");
  const auto frozen = host.warden().freeze(guest.id, Motion::kFrozen);
  if (!frozen && frozen.error().is(ErrorCode::kUnsupported)) {
    GTEST_SKIP() << frozen.error().message();
  }
  ASSERT_TRUE(frozen.has_value()) << frozen.error().message();
  guest.started = {};
  ASSERT_TRUE(host.warden().destroy(guest.id).has_value());
  EXPECT_TRUE(cgroups_with(guest.id).empty());
  const auto gone = host.warden().freeze(guest.id, Motion::kFree);
  ASSERT_FALSE(gone.has_value());
  EXPECT_TRUE(gone.error().is(ErrorCode::kNotFound));
}

// Of whichever process of the warden: nothing stays behind because it was frozen.
TEST_F(WardenTest, KillingTheWardenEndsFrozenSandboxes) {
  Host host;
  Guest guest = host.start();
  const auto frozen = host.warden().freeze(guest.id, Motion::kFrozen);
  if (!frozen && frozen.error().is(ErrorCode::kUnsupported)) {
    GTEST_SKIP() << frozen.error().message();
  }
  ASSERT_TRUE(frozen.has_value()) << frozen.error().message();
  guest.started.gauges = {};
  const std::vector<pid_t> wardens = wardens_of(host.engine_id());
  ASSERT_EQ(wardens.size(), 2u);
  ASSERT_EQ(::kill(wardens[1], SIGKILL), 0);
  const auto exit = host.exit_of(guest.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kWardenGone);
  expect_nothing_left(host.engine_id(), host.home());
}

TEST_F(WardenTest, RefusesBadSpecsAndLeavesNothing) {
  Host host;
  const auto refuse = [&](auto change) {
    SandboxSpec spec = host.spec();
    change(spec);
    const auto guest = host.start(std::move(spec));
    return guest ? std::string("started") : guest.error().message();
  };
  EXPECT_EQ(refuse([](SandboxSpec& s) { s.id = "x"; }), "id 'x': must be 16 hexadecimal digits");
  EXPECT_THAT(refuse([](SandboxSpec& s) { s.layer_paths = {"/etc"}; }),
              HasSubstr("layer '/etc': must be beneath"));
  EXPECT_THAT(refuse([&](SandboxSpec& s) { s.layer_paths = {host.home() + "/../etc"}; }),
              HasSubstr("must be a path beneath $MSB_HOME"));
  EXPECT_THAT(refuse([&](SandboxSpec& s) { s.layer_paths = {host.home() + "/layers/none"}; }),
              HasSubstr("openat2(layers/none): No such file or directory"));
  EXPECT_THAT(refuse([](SandboxSpec& s) { s.limits.memory_bytes = 0; }), HasSubstr("memory_bytes"));
  EXPECT_THAT(refuse([](SandboxSpec& s) { s.limits.disk_bytes = 5; }), HasSubstr("disk_bytes"));
  EXPECT_THAT(refuse([&](SandboxSpec& s) { s.writable_path = host.home() + "/run/none"; }),
              HasSubstr("open writable layer"));
  EXPECT_THAT(refuse([&](SandboxSpec& s) { s.writable_path = host.home() + "/layers/base"; }),
              HasSubstr("beneath $MSB_HOME/sandboxes or $MSB_HOME/run"));
  EXPECT_THAT(refuse([&](SandboxSpec& s) { s.layer_paths = {host.home() + "/sandboxes/x"}; }),
              HasSubstr("beneath $MSB_HOME/layers"));
  EXPECT_THAT(refuse([](SandboxSpec& s) {
                s.volumes.push_back({*base::sys::open("/dev/null", O_PATH), "/x", false});
              }),
              HasSubstr("neither a folder nor a regular file"));
  EXPECT_THAT(refuse([](SandboxSpec& s) {
                for (int i = 0; i < 33; ++i) {
                  s.volumes.push_back({*base::sys::open("/", O_PATH), "/x", false});
                }
              }),
              HasSubstr("volumes: 33 of them, at most 32"));
  EXPECT_EQ(cgroups_with("msb-" + host.engine_id() + "/").size(), 0u);
  EXPECT_TRUE(loops_of(host.home()).empty());
  Guest guest = host.start();
  EXPECT_EQ(guest.ask("echo fine"), "fine");
}

TEST_F(WardenTest, TheLinkOutOfHomeIsNotFollowed) {
  Host host;
  fs::create_directory_symlink("/etc", host.home() + "/layers/link");
  SandboxSpec spec = host.spec();
  spec.layer_paths = {host.home() + "/layers/link"};
  const auto guest = host.start(std::move(spec));
  ASSERT_FALSE(guest.has_value());
  EXPECT_THAT(guest.error().message(), HasSubstr("Too many levels of symbolic links"));
}

TEST_F(WardenTest, OneIdAtATime) {
  Host host;
  Guest guest = host.start();
  SandboxSpec spec = host.spec();
  spec.id = guest.id;
  const auto second = host.start(std::move(spec));
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kAlreadyExists);
  EXPECT_EQ(guest.ask("echo fine"), "fine");
}

TEST_F(WardenTest, ManyAtOnceFromManyThreads) {
  Host host;
  std::vector<std::thread> threads;
  std::atomic<int> fine = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 5; ++round) {
        Guest guest = host.start();
        fine += guest.ask("echo fine") == "fine" ? 1 : 0;
        guest.started = {};
        fine += host.warden().destroy(guest.id) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(fine, 40);
}

TEST_F(WardenTest, TwoHundredSandboxesLeaveNothing) {
  Host host;
  {
    Guest first = host.start();  // what is made once is made
    first.started = {};
    ASSERT_TRUE(host.warden().destroy(first.id).has_value());
  }
  const int descriptors = open_descriptors();
  for (int i = 0; i < 200; ++i) {
    SandboxSpec spec = host.spec();
    const std::string writable = spec.writable_path;
    auto guest = host.start(std::move(spec));
    ASSERT_TRUE(guest.has_value()) << guest.error().message();
    ASSERT_EQ(guest->ask("leave"), "exit 0");
    const std::string id = guest->id;
    guest->started = {};
    ASSERT_TRUE(host.warden().destroy(id).has_value());
    ASSERT_TRUE(base::remove_tree(writable).has_value());
  }
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_TRUE(loops_of(host.home()).empty());
  EXPECT_TRUE(cgroups_with("msb-" + host.engine_id() + "/").empty());
  const std::string engine_id = host.engine_id();
  const std::string home = host.home();
  host.end_warden();
  EXPECT_TRUE(cgroups_with(engine_id).empty());
  expect_nothing_left(engine_id, home);
}

TEST_F(WardenTest, EndingTheClientEndsAll) {
  Host host;
  Guest guest = host.start();
  guest.started.gauges = {};
  host.end_warden();
  EXPECT_EQ(guest.ask("echo still?"), "!gone");
  EXPECT_TRUE(cgroups_with(host.engine_id()).empty());
  expect_nothing_left(host.engine_id(), host.home());
  const auto exit = host.exit_of(guest.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kWardenGone);
}

// kill -9 of either process of the warden.
void kill_warden(std::size_t which) {
  Host host;
  Guest guest = host.start();
  guest.ask("leave");
  guest.started.gauges = {};
  const std::vector<pid_t> wardens = wardens_of(host.engine_id());
  ASSERT_EQ(wardens.size(), 2u);
  ASSERT_EQ(::kill(wardens[which], SIGKILL), 0);
  const auto exit = host.exit_of(guest.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kWardenGone);
  EXPECT_EQ(guest.ask("echo still?"), "!gone");
  const auto next = host.start(host.spec());
  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error().code(), ErrorCode::kUnavailable);
  expect_nothing_left(host.engine_id(), host.home());
  // Its cgroups are swept by whoever comes next.
  Host later;
  ASSERT_TRUE(comes_true([&] {
    return later.warden().sweep().has_value() && cgroups_with(host.engine_id()).empty();
  }));
}

TEST_F(WardenTest, KillingItsKeeperLeavesNothing) {
  kill_warden(0);
}
TEST_F(WardenTest, KillingItLeavesNothing) {
  kill_warden(1);
}

// It, or its keeper, is sent a signal that stops it, as a person would by mistake.
pid_t stop_warden(const Host& host, std::size_t which) {
  const std::vector<pid_t> wardens = wardens_of(host.engine_id());
  EXPECT_EQ(wardens.size(), 2u);
  EXPECT_EQ(::kill(wardens.at(which), SIGSTOP), 0);
  return wardens[1];
}

// One second is the least that a call waits, so this is not so short that a busy host meets it.
constexpr std::chrono::seconds kShortPatience{2};

TEST_F(WardenTest, AStoppedOneHoldsNobodyUp) {
  Host host(kShortPatience);
  Guest guest = host.start();
  const Guest other = host.start();
  const std::string pid = std::to_string(stop_warden(host, 1));
  const auto silent = [&](const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kTimeout);
    EXPECT_THAT(error.message(), HasSubstr("the warden (process " + pid + ")"));
    EXPECT_THAT(error.message(), HasSubstr("'kill -CONT " + pid + "'"));
    EXPECT_THAT(error.message(), HasSubstr("'kill -KILL " + pid + "'"));
  };
  const auto destroyed = host.warden().destroy(other.id);
  ASSERT_FALSE(destroyed.has_value());
  silent(destroyed.error());
  const auto frozen = host.warden().freeze(guest.id, Motion::kFrozen);
  ASSERT_FALSE(frozen.has_value());
  silent(frozen.error());
  SandboxSpec spec = host.spec();
  const std::string never_made = spec.id;
  const auto created = host.start(std::move(spec));
  ASSERT_FALSE(created.has_value());
  silent(created.error());

  // What is asked for is done when it goes on; but what nobody waits for any more does not stay.
  ASSERT_EQ(::kill(std::stoi(pid), SIGCONT), 0);
  const auto exit = host.exit_of(other.id);
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->cause, Cause::kDestroyed);
  EXPECT_EQ(guest.ask("echo moving"), "moving");
  EXPECT_TRUE(host.warden().destroy(never_made).has_value());
  EXPECT_TRUE(cgroups_with(never_made).empty());
  Guest next = host.start();
  EXPECT_EQ(next.ask("echo fine"), "fine");
}

TEST_F(WardenTest, AStoppedOneThatCanBeToldNoMoreHoldsNobodyUp) {
  Host host(kShortPatience);
  const pid_t warden = stop_warden(host, 1);
  std::vector<std::thread> threads;
  std::atomic<int> silent = 0;
  for (int i = 0; i < 8; ++i) {
    SandboxSpec spec = host.spec();
    // Of such messages a socket takes three.
    spec.layer_paths.assign(128, host.home() + "/layers/" + std::string(500, 'x'));
    threads.emplace_back([&, its = std::move(spec)]() mutable {
      const auto guest = host.start(std::move(its));
      silent += !guest && guest.error().code() == ErrorCode::kTimeout ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(silent, 8);
  ASSERT_EQ(::kill(warden, SIGCONT), 0);
  Guest next = host.start();
  EXPECT_EQ(next.ask("echo fine"), "fine");
}

// Of whichever process of the warden.
void end_client_of_stopped_warden(std::size_t which) {
  Host host(kShortPatience);
  Guest guest = host.start();
  guest.started.gauges = {};
  stop_warden(host, which);
  host.end_warden();
  EXPECT_EQ(guest.ask("echo still?"), "!gone");
  expect_nothing_left(host.engine_id(), host.home());
}

TEST_F(WardenTest, EndingTheClientEndsAStoppedOne) {
  end_client_of_stopped_warden(1);
}
TEST_F(WardenTest, EndingTheClientEndsAStoppedKeeper) {
  end_client_of_stopped_warden(0);
}

TEST_F(WardenTest, KillingTheProgramLeavesNothing) {
  base::sys::Pipe report = *base::sys::pipe();
  const pid_t program = ::fork();
  ASSERT_GE(program, 0);
  if (program == 0) {
    Host host;
    Guest one = host.start();
    const Guest two = host.start();
    one.ask("leave");
    const std::string line = host.engine_id() + host.home() + "\n";
    [[maybe_unused]] const auto sent = base::write_all(report.write_end.get(), line);
    report.write_end.reset();
    for (;;) {
      ::pause();
    }
  }
  report.write_end.reset();
  std::string line(4096, '\0');
  const auto size = base::sys::read(report.read_end.get(), std::as_writable_bytes(std::span(line)));
  ASSERT_TRUE(size.has_value());
  ASSERT_GT(*size, 16u);
  const std::string engine_id = line.substr(0, 16);
  const std::string home = line.substr(16, *size - 17);
  EXPECT_EQ(loops_of(home).size(), 2u);
  ASSERT_EQ(::kill(program, SIGKILL), 0);
  ::waitpid(program, nullptr, 0);
  expect_nothing_left(engine_id, home);
  EXPECT_TRUE(comes_true([&] { return cgroups_with(engine_id).empty(); }));
  EXPECT_TRUE(base::remove_tree(home).has_value());
}

TEST_F(WardenTest, SweepLeavesTheLivingAlone) {
  Host one;
  Host two;
  Guest guest = one.start();
  ASSERT_TRUE(two.warden().sweep().has_value());
  ASSERT_TRUE(one.warden().sweep().has_value());
  EXPECT_FALSE(cgroups_with(guest.id).empty());
  EXPECT_EQ(guest.ask("echo fine"), "fine");
}

TEST_F(WardenTest, TerminalSignalsDoNotReachIt) {
  Host host;
  const Guest guest = host.start();
  for (const pid_t warden : wardens_of(host.engine_id())) {
    EXPECT_NE(::getsid(warden), ::getsid(0));
  }
}

TEST_F(WardenTest, SaysWhatIsWrongWhenItCannotStart) {
  const auto home = base::TempDir::create();
  ASSERT_TRUE(home.has_value());
  const auto spawned = WardenClient::spawn({.warden_path = *base::find_program("msb-warden"),
                                            .agent_path = "/not/there",
                                            .home = home->path(),
                                            .engine_id = random_id()},
                                           [](const SandboxExit&) {});
  ASSERT_FALSE(spawned.has_value());
  EXPECT_EQ(spawned.error().message(),
            "start the warden: load agent: open(/not/there): No such file or directory");
}

TEST_F(WardenTest, SlotsAreSharedByAllWardensOfAHost) {
  const auto folder = base::TempDir::create();
  ASSERT_TRUE(folder.has_value());
  const std::string file = folder->path() + "/slots";
  auto one = warden::Identities::of_slots(file);
  auto two = warden::Identities::of_slots(file);
  ASSERT_TRUE(one.has_value());
  ASSERT_TRUE(two.has_value());
  const auto first = one->take();
  const auto second = two->take();
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(second.has_value());
  EXPECT_NE((*first)->slot, (*second)->slot);
  const std::uint32_t slot = (*first)->slot;
  one->give_back(**first);
  EXPECT_EQ((*one->take())->slot, slot);
}

}  // namespace
}  // namespace msb::isolation::testing
