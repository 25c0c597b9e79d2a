// SPDX-License-Identifier: Apache-2.0
//
// The escape table: every program of tests/guest, run inside as the image's user and as root, with
// bait laid out on the host and in a neighbour. A row holds when the program says that nothing it
// tried worked, the bait is untouched, and the sandbox still answers.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "../contract/contract.h"
#include "../contract/host_traces.h"
#include "attempts.h"
#include "host_bait.h"
#include "msb/msb.h"
#include "processes.h"

namespace msb::security {
namespace {

using namespace std::chrono_literals;
using contract::eventually;
using contract::HostTraces;

constexpr const char* kUser = "";  // the image's own
constexpr const char* kRoot = "root";

std::string label(const std::string& user) {
  return user.empty() ? "user" : user;
}

// The engine's; without one, every start says why.
std::string home() {
  const auto engine = Engine::instance();
  return engine ? (*engine)->home() : std::string("/no/engine");
}

const std::string& last_line(const std::vector<std::string>& lines) {
  static const std::string none = "said nothing";
  return lines.empty() ? none : lines.back();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

// The sandbox next door, with something to be stolen.
class Neighbour {
 public:
  Neighbour() {
    const auto started = sandbox_.start();
    EXPECT_TRUE(started) << started.error().message();
    const auto laid = sandbox_.code().run(
        "import os, socket, subprocess\n"
        "for p in ('/tmp/neighbour', '/tmp/secret', '/dev/shm/secret'):\n"
        "    open(p, 'w').write('secret')\n"
        "    os.chmod(p, 0o666)\n"
        "a = socket.socket(); a.bind(('127.0.0.1', 7777)); a.listen()\n"
        "b = socket.socket(socket.AF_UNIX); b.bind('\\0msb-neighbour'); b.listen()\n"
        "c = subprocess.Popen(['sleep', '76543'])\n"
        "while not open(f'/proc/{c.pid}/cmdline').read(): pass\n"  // not yet shown by /proc
        "print(' '.join(open('/proc/self/uid_map').read().split()))");
    EXPECT_TRUE(laid && laid->status() == "success");
    uid_map_ = laid ? laid->output() : "?";
    pids_ = processes_with("sleep 76543");
  }

  void describe(HostBait& bait) const {
    bait.add("NEIGHBOUR_FILE", "/tmp/neighbour");
    bait.add("NEIGHBOUR_PORT", "7777");
    bait.add("NEIGHBOUR_ABSTRACT", "msb-neighbour");
    bait.add("NEIGHBOUR_PID", pids_.empty() ? "-1" : std::to_string(*pids_.begin()));
    // Rootless sandboxes are all of one user.
    if (::geteuid() == 0) {
      bait.add("NEIGHBOUR_UID_MAP", uid_map_.substr(uid_map_.find(' ') + 1, 10));
    }
  }

  std::string damage() {
    const auto seen = sandbox_.code().run(
        "print(all(open(p).read() == 'secret' for p in ('/tmp/neighbour', '/tmp/secret', "
        "'/dev/shm/secret')), c.poll())\n"
        "for s in (a, b):\n"
        "    s.setblocking(False)\n"
        "    try:\n"
        "        s.accept(); print('a visitor')\n"
        "    except BlockingIOError:\n"
        "        pass");
    if (!seen) {
      return seen.error().message();
    }
    return seen->output() == "True None" ? "" : seen->output() + seen->error();
  }

 private:
  PythonSandbox sandbox_;
  std::string uid_map_;
  std::set<pid_t> pids_;
};

// What all rows share: one sandbox per user and room, since no attempt can spoil it for the next.
class Grounds {
 public:
  Grounds() { neighbour_.describe(bait_); }

  // The host before any of this, but with what an engine keeps.
  static HostTraces before() {
    {
      PythonSandbox warm_up;
      EXPECT_TRUE(warm_up.start());
      EXPECT_TRUE(Sandbox::list());
    }
    return HostTraces::take(home());
  }

  HostBait& bait() { return bait_; }
  Neighbour& neighbour() { return neighbour_; }

  static std::vector<std::string> attempts_volume() {
    return {std::string(MSB_ATTEMPTS) + ":/attempts:ro"};
  }

  PythonSandbox& sandbox(const std::string& user, Room room) {
    auto& sandbox = sandboxes_[{user, room}];
    if (!sandbox) {
      StartConfig config;
      config.user = user;
      config.volumes = attempts_volume();
      if (room == Room::kSharing) {
        config.volumes.push_back(bait_.shared() + ":/shared");
      }
      sandbox = std::make_unique<PythonSandbox>();
      const auto started = sandbox->start(config);
      EXPECT_TRUE(started) << started.error().message();
    }
    return *sandbox;
  }

 private:
  HostBait bait_;
  Neighbour neighbour_;
  std::map<std::pair<std::string, Room>, std::unique_ptr<PythonSandbox>> sandboxes_;
};

std::optional<HostTraces> g_before;
std::unique_ptr<Grounds> g_grounds;

Grounds& grounds() {
  if (!g_grounds) {
    g_before = Grounds::before();
    g_grounds = std::make_unique<Grounds>();
  }
  return *g_grounds;
}

CommandOptions options_of(const HostBait& bait) {
  CommandOptions options;
  options.timeout = 60s;
  options.envs = bait.environment();
  options.envs.push_back("MSB_BAIT_HOME=" + home());
  return options;
}

class Escapes : public testing::TestWithParam<std::tuple<Attempt, const char*>> {};

TEST_P(Escapes, AreContained) {
  const auto& [attempt, user] = GetParam();
  record({attempt.program, label(user), attempt.tries, attempt.promise, attempt.expected});
  PythonSandbox& sandbox = grounds().sandbox(user, attempt.room);
  const auto ran = sandbox.command().run(std::string("/attempts/") + attempt.program, {},
                                         options_of(grounds().bait()));
  ASSERT_TRUE(ran) << ran.error().message();
  const std::vector<std::string> lines = lines_of(ran->output());
  record_outcome(last_line(lines));
  EXPECT_EQ(ran->exit_code(), 0) << ran->output() << ran->error();
  EXPECT_EQ(grounds().bait().damage(), "");
  EXPECT_EQ(grounds().neighbour().damage(), "");
  EXPECT_TRUE(sandbox.command().run("true")) << "the sandbox does not answer any more";
}

INSTANTIATE_TEST_SUITE_P(Guest, Escapes,
                         testing::Combine(testing::ValuesIn(attempts().begin(), attempts().end()),
                                          testing::Values(kUser, kRoot)),
                         [](const auto& row) {
                           return std::string(std::get<0>(row.param).program) + "_as_" +
                                  label(std::get<1>(row.param));
                         });

class Ends : public testing::TestWithParam<const char*> {
 protected:
  // A sandbox of this test's own.
  void SetUp() override {
    StartConfig config;
    config.user = GetParam();
    config.volumes = Grounds::attempts_volume();
    const auto started = sandbox_.start(config);
    ASSERT_TRUE(started) << started.error().message();
  }
  PythonSandbox sandbox_;
};

INSTANTIATE_TEST_SUITE_P(Guest, Ends, testing::Values(kUser, kRoot),
                         [](const auto& user) { return label(user.param); });

TEST_P(Ends, OfASandboxReachesItsDaemons) {
  record({"try_daemon", label(GetParam()),
          "daemons by double fork, traced, in vfork, deaf to every signal", Promise::kEnd,
          "all gone when stop() returns"});
  const auto ran = sandbox_.command().run("/attempts/try_daemon");
  ASSERT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(ran->exit_code(), 0) << ran->output();
  EXPECT_TRUE(eventually([] { return !processes_named("msb-undead").empty(); }));
  ASSERT_TRUE(sandbox_.stop());
  const std::size_t left = processes_named("msb-undead").size();
  record_outcome(std::to_string(left) + " left");
  EXPECT_EQ(left, 0u);
}

TEST_P(Ends, OfTheTimeReachesWhatIgnoresSignals) {
  record({"try_time_out", label(GetParam()),
          "children in sessions of their own, stopped, deaf to every signal", Promise::kEnd,
          "all gone when the time is over"});
  CommandOptions options;
  options.timeout = 300ms;
  const auto ran = sandbox_.command().run("/attempts/try_time_out", {}, options);
  ASSERT_FALSE(ran);
  EXPECT_TRUE(ran.error().is(ErrorCode::kTimeout)) << ran.error().message();
  // The kernel takes a moment to bury what was killed.
  const bool gone = eventually([] { return processes_named("try_time_out").empty(); });
  record_outcome(gone ? "timeout; 0 left" : "some are left");
  EXPECT_TRUE(gone);
  EXPECT_TRUE(sandbox_.command().run("true"));
}

class Restarts : public testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Guest, Restarts, testing::Values(kUser, kRoot),
                         [](const auto& user) { return label(user.param); });

TEST_P(Restarts, FollowNoLinkThatWasPlantedForThem) {
  record({"try_planted_links", label(GetParam()),
          "links to the host where the next start writes: /etc, scripts, workdir, volumes",
          Promise::kFiles, "the host's files stay; the start works or says why not"});
  const HostBait& bait = grounds().bait();
  SandboxOptions named;
  named.name = "links-" + std::to_string(::getpid()) + "-" + label(GetParam());
  PythonSandbox sandbox(named);
  StartConfig config;
  config.user = GetParam();
  config.volumes = Grounds::attempts_volume();
  config.scripts = {{"greet", "echo hello"}};
  ASSERT_TRUE(sandbox.start(config));
  const auto ran = sandbox.command().run("/attempts/try_planted_links", {}, options_of(bait));
  ASSERT_TRUE(ran) << ran.error().message();
  EXPECT_EQ(ran->exit_code(), 0) << ran->output();
  ASSERT_TRUE(sandbox.stop());
  // A volume, a workdir and a script go to names that are links now.
  config.volumes.push_back(bait.shared() + ":/run/shared");
  config.workdir = "/work/place";
  config.exec = "echo log";
  const auto again = sandbox.start(config);
  record_outcome(again ? "started; the links lead inside" : again.error().message());
  EXPECT_EQ(bait.damage(), "");
  EXPECT_TRUE(sandbox.remove());
}

// Defined last, so run last: after all rows, nothing is left of them.
class Leftovers : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Guest, Leftovers, testing::Values("all"),
                         [](const auto& row) { return std::string(row.param); });

TEST_P(Leftovers, AreNone) {
  record({"leftovers", "host", "what the rows above leave behind when their sandboxes end",
          Promise::kEnd, "no process, cgroup, mount, loop device, folder"});
  (void)grounds();
  g_grounds.reset();
  const std::string left = HostTraces::take(home()).difference(*g_before);
  record_outcome(left.empty() ? "none" : left);
  EXPECT_EQ(left, "");
}

}  // namespace
}  // namespace msb::security
