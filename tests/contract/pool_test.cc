// SPDX-License-Identifier: Apache-2.0
//
// A sandbox that was ready before anybody asked for it is what one that was made for the asking is.
#include <signal.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "contract.h"
#include "host_traces.h"

namespace msb::contract {
namespace {

namespace fs = std::filesystem;

std::shared_ptr<Engine> engine_with(std::size_t max_spares) {
  EngineOptions options;
  options.pool.max_spares = max_spares;
  auto engine = Engine::create(options);
  EXPECT_TRUE(engine) << why(engine);
  return *engine;
}

class PoolHere : public ::testing::Test {
 protected:
  SandboxOptions options(const std::string& name = {}) const {
    SandboxOptions options;
    options.engine = engine_;
    options.name = name;
    options.is_ephemeral = !name.empty();
    return options;
  }

  // Starts until there is a spare for the next start with such a config.
  template <typename Kind>
  void fill(const StartConfig& config = {}) {
    for (int i = 0; i < 2; ++i) {
      Kind sandbox(options());
      const auto started = sandbox.start(config);
      ASSERT_TRUE(started) << why(started);
    }
    ASSERT_TRUE(eventually([&] { return engine_->pool().ready > 0; }));
  }

  // The number of starts that got a spare while `body` ran.
  std::uint64_t claimed_by(const std::function<void()>& body) const {
    const std::uint64_t before = engine_->pool().claimed;
    body();
    return engine_->pool().claimed - before;
  }

  std::shared_ptr<Engine> engine_ = engine_with(2);
};

// All that a guest sees of its start, by both doors.
constexpr const char* kAsCode = R"(
import os, pwd, resource, sys, socket
print(os.getcwd(), os.getuid(), os.getgid(), os.getgroups(), os.umask(0o22))
print(sorted(os.environ.items()))
print(socket.gethostname(), open('/etc/hostname').read(), open('/etc/hosts').read())
print([(r, resource.getrlimit(getattr(resource, r))) for r in sorted(dir(resource))
       if r.startswith('RLIMIT_') and r != 'RLIMIT_RTTIME'])  # the agent's mark
print(sys.argv, sys.path, sys.flags, sys.executable, sorted(vars()), sys.getfilesystemencoding())
print(os.statvfs('/dev/shm').f_blocks, os.statvfs('/').f_blocks)
print(sorted(os.listdir('/')), sorted(os.listdir('/tmp')), sorted(os.listdir('/etc')))
print(open('/proc/self/status').read().count('Seccomp:\t2'), open('/proc/mounts').read().count('\n'))
print({fd: os.readlink('/proc/self/fd/%d' % fd).split(':')[0] for fd in (0, 1, 2)})
print([open(p).read() for p in ('/sys/fs/cgroup/memory/memory.limit_in_bytes',
       '/sys/fs/cgroup/cpu/cpu.cfs_quota_us', '/sys/fs/cgroup/cpu/cpu.shares',
       '/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/cpu.max', '/sys/fs/cgroup/cpu.weight')
       if os.path.exists(p)])
print(sorted(os.listdir('/.sandbox/scripts')) if os.path.exists('/.sandbox/scripts') else None)
)";
constexpr const char* kAsCommand =
    "pwd; id; hostname; env | sort; umask; ulimit -a; df -k /dev/shm | tail -1; ls -la "
    "/etc/hostname "
    "/etc/hosts /.sandbox/scripts 2>&1 | sed 's/ [A-Z][a-z][a-z] .*:.. / /'";

struct Observed {
  std::string code;
  std::string command;
};

Observed observe(PythonSandbox& sandbox) {
  const auto code = sandbox.code().run(kAsCode);
  EXPECT_TRUE(code) << why(code);
  const auto command = sandbox.command().run("sh", {"-c", kAsCommand});
  EXPECT_TRUE(command) << why(command);
  return {.code = code ? code->output() + code->error() : "",
          .command = command ? command->output() : ""};
}

struct Case {
  const char* about;
  StartConfig config;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&all](const char* about) -> StartConfig& {
    return all.emplace_back(Case{about, {}}).config;
  };
  add("defaults");
  add("variables").envs = {"COLOUR=blue", "EMPTY=", "UMLAUT=\xc3\xa4"};
  add("folder").workdir = "/srv/new/folder";
  add("read at the start").envs = {"PYTHONPATH=/opt", "TZ=Asia/Tokyo", "HOME=/tmp"};
  StartConfig& limits = add("limits");
  limits.memory = 300;
  limits.cpus = 0.5;
  limits.max_processes = 77;
  StartConfig& scripts = add("scripts");
  scripts.shell = "/bin/bash";
  scripts.scripts = {{"greet", "echo hello\n"}};
  StartConfig& several = add("more memory, a variable, a folder");
  several.memory = 1024;
  several.envs = {"A=1"};
  several.workdir = "/tmp";
  return all;
}

TEST_F(PoolHere, AStartObservesNothingOfIt) {
  const auto without = engine_with(0);
  const std::string name = unique_name("pool");
  for (const Case& each : cases()) {
    SCOPED_TRACE(each.about);
    Observed cold;
    {
      SandboxOptions options = this->options(name);
      options.engine = without;
      PythonSandbox sandbox(options);
      const auto started = sandbox.start(each.config);
      ASSERT_TRUE(started) << why(started);
      cold = observe(sandbox);
    }
    fill<PythonSandbox>();
    EXPECT_EQ(claimed_by([&] {
                PythonSandbox sandbox(options(name));
                const auto started = sandbox.start(each.config);
                ASSERT_TRUE(started) << why(started);
                const Observed pooled = observe(sandbox);
                EXPECT_EQ(pooled.code, cold.code);
                EXPECT_EQ(pooled.command, cold.command);
              }),
              1u);
  }
}

TEST_F(PoolHere, WhatItCannotGiveIsStartedCold) {
  const fs::path folder = fs::temp_directory_path() / unique_name("pool-volume");
  fs::create_directory(folder);
  std::ofstream(folder / "file") << "from the host\n";
  fill<PythonSandbox>();
  std::vector<StartConfig> wanted(3);
  wanted[0].volumes = {folder.string() + ":/volume"};
  wanted[1].user = "root";
  wanted[2].disk = 64;
  for (const StartConfig& config : wanted) {
    EXPECT_EQ(claimed_by([&] {
                PythonSandbox sandbox(options());
                const auto started = sandbox.start(config);
                ASSERT_TRUE(started) << why(started);
                if (!config.volumes.empty()) {
                  EXPECT_EQ(sandbox.code().run("open('/volume/file').read()")->output(),
                            "'from the host\\n'");
                }
              }),
              0u);
  }
  fs::remove_all(folder);
}

TEST_F(PoolHere, AWrongStartIsTheSameError) {
  fill<PythonSandbox>();
  const auto without = engine_with(0);
  std::vector<StartConfig> wrong(3);
  wrong[0].memory = 1;
  wrong[1].envs = {"no equals"};
  wrong[2].volumes = {"/not/there:/x"};
  for (const StartConfig& config : wrong) {
    SandboxOptions cold = options("pool-wrong");
    cold.engine = without;
    EXPECT_EQ(why(PythonSandbox(options("pool-wrong")).start(config)),
              why(PythonSandbox(cold).start(config)));
  }
}

TEST_F(PoolHere, ANamedSandboxKeepsItsFiles) {
  fill<PythonSandbox>();
  SandboxOptions named = options();
  named.name = unique_name("pool-kept");
  EXPECT_EQ(claimed_by([&] {
              PythonSandbox sandbox(named);
              ASSERT_TRUE(sandbox.start());
              ASSERT_TRUE(sandbox.code().run("open('kept', 'w').write('yes')"));
            }),
            1u);
  ASSERT_TRUE(eventually([&] { return engine_->pool().ready > 0; }));
  EXPECT_EQ(claimed_by([&] {
              PythonSandbox sandbox(named);
              ASSERT_TRUE(sandbox.start());
              EXPECT_EQ(sandbox.code().run("open('kept').read()")->output(), "'yes'");
            }),
            0u);
  EXPECT_TRUE(PythonSandbox(named).remove());
}

TEST_F(PoolHere, AnObjectThatIsStartedAgainFindsItsFiles) {
  fill<PythonSandbox>();
  PythonSandbox sandbox(options());
  ASSERT_TRUE(sandbox.start());
  ASSERT_TRUE(sandbox.code().run("open('kept', 'w').write('yes')"));
  ASSERT_TRUE(sandbox.stop());
  ASSERT_TRUE(eventually([&] { return engine_->pool().ready > 0; }));
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(sandbox.code().run("open('kept').read()")->output(), "'yes'");
}

TEST_F(PoolHere, NoTwoHaveTheSameRandomState) {
  std::set<std::string> seen;
  constexpr int kSandboxes = 4;
  for (int i = 0; i < kSandboxes; ++i) {
    fill<PythonSandbox>();
    PythonSandbox sandbox(options());
    ASSERT_TRUE(sandbox.start());
    seen.insert(sandbox.code().run("import random; hash('x'), random.random()")->output());
  }
  EXPECT_EQ(seen.size(), std::size_t{kSandboxes});
}

TEST_F(PoolHere, NodeHasItToo) {
  fill<NodeSandbox>();
  EXPECT_EQ(claimed_by([&] {
              NodeSandbox sandbox(options("pool-node"));
              StartConfig config;
              config.envs = {"COLOUR=blue"};
              ASSERT_TRUE(sandbox.start(config));
              EXPECT_EQ(sandbox.code()
                            .run("console.log(process.env.COLOUR, require('os').hostname(), "
                                 "typeof _)")
                            ->output(),
                        "blue pool-node undefined");
            }),
            1u);
}

TEST_F(PoolHere, PortsAndExecWork) {
  fill<PythonSandbox>();
  EXPECT_EQ(claimed_by([&] {
              PythonSandbox sandbox(options());
              StartConfig config;
              config.ports = {"0:8000"};
              config.exec = "echo ran";
              ASSERT_TRUE(sandbox.start(config));
              EXPECT_EQ(sandbox.ports().size(), 1u);
              EXPECT_TRUE(eventually([&] { return sandbox.exec_exit_code() == 0; }));
              EXPECT_EQ(*sandbox.log(), "ran\n");
            }),
            1u);
}

TEST_F(PoolHere, ManyThreadsGetASandboxEach) {
  constexpr int kTakers = 16;
  fill<PythonSandbox>();
  std::vector<std::thread> threads;
  std::vector<std::string> results(kTakers);
  for (int i = 0; i < kTakers; ++i) {
    threads.emplace_back([&, i] {
      PythonSandbox sandbox(options());
      const auto started = sandbox.start();
      const auto first =
          started ? sandbox.code().run("'x' in vars()") : std::unexpected(started.error());
      const auto set = sandbox.code().run("x = 1");
      results[static_cast<std::size_t>(i)] = first ? first->output() : why(first);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(results, std::vector<std::string>(kTakers, "False"));
}

// A root file system with one file in it.
std::string make_archive(const fs::path& folder, const std::string& content) {
  fs::create_directories(folder / "root" / "etc");
  std::ofstream(folder / "root" / "etc" / "content") << content;
  const std::string archive = (folder / "root.tar").string();
  EXPECT_EQ(
      std::system(("tar -C " + (folder / "root").string() + " -cf " + archive + " .").c_str()), 0);
  return archive;
}

TEST_F(PoolHere, SparesOfAChangedOrRemovedImageGo) {
  const fs::path folder = fs::temp_directory_path() / unique_name("pool-image");
  const std::string image = "localhost/" + unique_name("pool") + ":latest";
  auto store = ImageStore::open(engine_->home());
  ASSERT_TRUE(store) << why(store);
  const auto imported = store->import(make_archive(folder, "one"), image);
  ASSERT_TRUE(imported) << why(imported);
  StartConfig config;
  config.image = image;
  fill<Sandbox>(config);
  ASSERT_TRUE(store->import(make_archive(folder, "two"), image));
  EXPECT_TRUE(eventually([&] { return engine_->pool().ready == 0; }));
  fill<Sandbox>(config);
  // Spares alone do not keep an image, but for the moment in which they are made.
  EXPECT_TRUE(eventually([&] { return store->remove(image).has_value(); }));
  EXPECT_TRUE(eventually([&] { return engine_->pool().ready == 0; }));
  fs::remove_all(folder);
}

TEST_F(PoolHere, NothingOfItIsLeft) {
  engine_.reset();
  const HostTraces before = HostTraces::take((*Engine::instance())->home());
  engine_ = engine_with(2);
  fill<PythonSandbox>();
  engine_.reset();
  EXPECT_EQ(HostTraces::take((*Engine::instance())->home()).difference(before), "");
}

// Machines that were cloned ahead, and stand still until they are wanted.
class MachinePoolHere : public PoolHere {
 protected:
  void SetUp() override {
    if (usual_tier() != "microvm") {
      GTEST_SKIP() << "of the tier microvm";
    }
  }

  void wait_for_spare() const {
    constexpr std::chrono::seconds kPatience{120};  // emulated, one is made in seconds
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (engine_->pool().ready == 0) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline);
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
};

TEST_F(MachinePoolHere, AClaimedMachineIsWhatWasAskedFor) {
  for (int i = 0; i < 2; ++i) {
    PythonSandbox sandbox(options());
    const auto started = sandbox.start();
    ASSERT_TRUE(started) << why(started);
  }
  StartConfig config;
  config.envs = {"COLOR=blue"};
  config.workdir = "/home";
  std::set<std::string> seen;
  for (int i = 0; i < 2; ++i) {
    wait_for_spare();
    PythonSandbox sandbox(options(unique_name("claimed")));
    const auto claimed = claimed_by([&] {
      const auto started = sandbox.start(config);
      ASSERT_TRUE(started) << why(started);
    });
    EXPECT_EQ(claimed, 1u);
    const auto run = sandbox.code().run(R"(
import os, random, secrets, socket, time
print(socket.gethostname(), open('/etc/hostname').read().strip(), os.environ['COLOR'], os.getcwd(), int(time.time()) // 1000)
assert not [name for name in os.environ if name.startswith('MSB_')]
assert not [name for name in os.listdir('/etc') if name.startswith('.msb')]
print(random.random(), secrets.token_hex(), open('/etc/machine-id').read(),
      open('/proc/sys/kernel/random/boot_id').read())
)");
    ASSERT_TRUE(run) << why(run);
    EXPECT_EQ(run->error(), "");
    const std::string first = run->output().substr(0, run->output().find('\n'));
    EXPECT_EQ(first, sandbox.name() + " " + sandbox.name() + " blue /home " +
                         std::to_string(std::time(nullptr) / 1000));
    EXPECT_TRUE(seen.insert(run->output().substr(first.size())).second) << run->output();
    const auto disk_bytes = sandbox.metrics().disk_bytes();
    ASSERT_TRUE(disk_bytes) << why(disk_bytes);
    EXPECT_LT(*disk_bytes, 8 << 20);
    ASSERT_TRUE(sandbox.pause());
    ASSERT_TRUE(sandbox.resume());
    EXPECT_EQ(sandbox.code().run("print(1)")->output(), "1");
  }
  // Of another shape there is none.
  config.memory = 256;
  PythonSandbox other(options());
  EXPECT_EQ(claimed_by([&] { ASSERT_TRUE(other.start(config)); }), 0u);
}

}  // namespace
}  // namespace msb::contract
