// SPDX-License-Identifier: Apache-2.0
//
// A guest that takes too much meets its limit, is told which, and its neighbour does not notice.
#include <chrono>
#include <cstdio>
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

using namespace std::chrono_literals;

class Limits : public Started<PythonSandbox> {
 protected:
  // sandbox_ is the neighbour; it has to answer while the other one suffers.
  void TearDown() override { EXPECT_EQ(out("print('unharmed')"), "unharmed"); }

  // Where the sandbox ends as a whole when it meets a limit, it says which.
  template <typename T>
  static bool has_died_of(const Result<T>& run, const std::string& reason) {
    if (!dies_at_its_limits() || run) {
      return false;
    }
    EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
    EXPECT_NE(run.error().message().find(reason), std::string::npos) << why(run);
    return true;
  }

  static StartConfig small() {
    StartConfig config;
    config.memory = 64;
    config.disk = 32;
    config.max_processes = 32;
    return config;
  }
};

TEST_F(Limits, MemoryOfACommand) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  const auto run = greedy.command().run("python3", {"-c", "b'x' * 10**9"});
  if (has_died_of(run, "out of memory (limit 64 MiB)")) {
    return;
  }
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->exit_code(), 137);
  EXPECT_TRUE(run->limits_hit().memory);
  EXPECT_EQ(run->limits_hit().text, "out of memory (limit 64 MiB)");
  EXPECT_EQ(greedy.command().run("echo", {"alive"})->output(), "alive");
}

TEST_F(Limits, MemoryOfCode) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  const auto run = greedy.code().run("x = b'x' * 10**9");
  if (has_died_of(run, "out of memory (limit 64 MiB)")) {
    return;
  }
  ASSERT_TRUE(run) << why(run);
  EXPECT_EQ(run->status(), "died");
  EXPECT_TRUE(run->state_lost());
  EXPECT_TRUE(run->limits_hit().memory);
  EXPECT_NE(run->error().find("out of memory (limit 64 MiB)"), std::string::npos) << run->error();
  EXPECT_EQ(greedy.code().run("print(1)")->output(), "1");
}

TEST_F(Limits, Processes) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  CommandOptions options;
  options.timeout = 20s;
  const auto run = greedy.command().run(
      "python3",
      {"-c",
       "import os, time\nn = 0\ntry:\n  while True:\n    if os.fork() == 0: time.sleep(30)\n"
       "    n += 1\nexcept OSError as e: print(n, e)"},
      options);
  if (has_died_of(run, "out of memory (limit 64 MiB)")) {
    return;  // a process of gVisor's takes more of the host's memory than of its processes
  }
  ASSERT_TRUE(run) << why(run);
  EXPECT_TRUE(run->limits_hit().processes);
  EXPECT_EQ(run->limits_hit().text, "too many processes (limit 32)");
}

TEST_F(Limits, AForkBombEndsWithItsSandbox) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  CommandOptions options;
  options.timeout = 2s;
  const auto run = greedy.command().run("bash", {"-c", ":(){ :|:& };:; wait"}, options);
  if (!has_died_of(run, "limit")) {  // gVisor: of memory, or on processes
    EXPECT_TRUE(run || run.error().is(ErrorCode::kTimeout)) << why(run);
  }
  EXPECT_TRUE(greedy.stop());
}

TEST_F(Limits, Disk) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  for (const std::string& weakness : greedy.weaknesses()) {
    if (weakness.starts_with("disk limit")) {
      GTEST_SKIP() << weakness;
    }
  }
  const auto run = greedy.command().run("sh", {"-c", "head -c 100M /dev/zero > ~/big"});
  ASSERT_TRUE(run) << why(run);
  EXPECT_NE(run->exit_code(), 0);
  EXPECT_NE(run->error().find("No space left on device"), std::string::npos) << run->error();
  EXPECT_TRUE(run->limits_hit().disk);
  EXPECT_EQ(run->limits_hit().text, "disk full (limit 32 MiB)");
  // And is free again when the file is gone.
  const auto freed = greedy.command().run("sh", {"-c", "rm ~/big; echo ok > ~/small; cat ~/small"});
  ASSERT_TRUE(freed) << why(freed);
  EXPECT_EQ(freed->output(), "ok");
  EXPECT_FALSE(freed->limits_hit().any()) << freed->limits_hit().text;
}

TEST_F(Limits, SharedMemoryCountsAsMemory) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  const auto run = greedy.command().run("sh", {"-c", "head -c 500M /dev/zero > /dev/shm/big"});
  if (run) {
    EXPECT_FALSE(run->is_success());
  } else {
    EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
  }
}

// Version 1 of cgroups counts them apart, version 2 with the rest.
TEST_F(Limits, SocketBuffersCountAsMemory) {
  PythonSandbox greedy;
  ASSERT_TRUE(greedy.start(small()));
  const auto run = greedy.code().run(
      "import socket\n"
      "def fill(kind, most):\n"
      "    kept, chunk = [], b'x' * 50000\n"
      "    listener = socket.socket(socket.AF_INET, kind)\n"
      "    listener.bind(('127.0.0.1', 0))\n"
      "    if kind == socket.SOCK_STREAM:\n"
      "        listener.listen(most)\n"
      "    while len(kept) < most:\n"
      "        out = socket.socket(socket.AF_INET, kind)\n"
      "        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24)\n"
      "        if kind == socket.SOCK_STREAM:\n"
      "            out.connect(listener.getsockname())\n"
      "            end = listener.accept()[0]\n"
      "        else:\n"
      "            end = socket.socket(socket.AF_INET, kind)\n"
      "            end.bind(('127.0.0.1', 0))\n"
      "            out.connect(end.getsockname())\n"
      "        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)\n"
      "        kept.append((out, end))\n"
      "        out.setblocking(False)\n"
      "        try:\n"
      "            for _ in range(100):\n"
      "                out.send(chunk)\n"
      "        except OSError:\n"
      "            pass\n"
      "    name = 'TCP:' if kind == socket.SOCK_STREAM else 'UDP:'\n"
      "    line = [l for l in open('/proc/net/sockstat') if l.startswith(name)][0].split()\n"
      "    return int(line[line.index('mem') + 1]) * 4096 >> 20\n"
      "print(fill(socket.SOCK_STREAM, 100), fill(socket.SOCK_DGRAM, 100))");
  if (!run) {
    EXPECT_TRUE(run.error().is(ErrorCode::kSandboxGone)) << why(run);
    return;
  }
  int tcp_mib = 0;
  int udp_mib = 0;
  ASSERT_EQ(std::sscanf(run->output().c_str(), "%d %d", &tcp_mib, &udp_mib), 2) << run->output();
  // The kernel counts for the whole host; without a limit each would be hundreds.
  EXPECT_LT(tcp_mib, 100);
  EXPECT_LT(udp_mib, 100);
}

TEST_F(Limits, Cpu) {
  PythonSandbox slow;
  StartConfig config;
  config.cpus = 0.2;
  ASSERT_TRUE(slow.start(config));
  // By the host's count; generous, the host is shared.
  (void)slow.metrics().cpu();
  const auto run =
      slow.code().run("import time\nb = time.monotonic()\nwhile time.monotonic() - b < 1: pass");
  ASSERT_TRUE(run) << why(run);
  const auto percent = slow.metrics().cpu();
  ASSERT_TRUE(percent) << why(percent);
  EXPECT_GT(*percent, 1.0);
  EXPECT_LT(*percent, 50.0);
}

}  // namespace
}  // namespace msb::contract
