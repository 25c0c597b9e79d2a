// SPDX-License-Identifier: Apache-2.0
//
// Against a tree of ordinary files: what is written where, and which group is chosen. The kernel's
// own rules (a group with processes refuses controllers) are played by missing write permission or
// by files that hold the answer already.
#include "isolation/cgroup/v2.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "base/file.h"
#include "isolation/cgroup/control_file.h"
#include "isolation/cgroup/cpu_quota.h"

namespace msb::isolation::cgroup {
namespace {

namespace fs = std::filesystem;

class V2Test : public testing::Test {
 protected:
  void SetUp() override {
    auto created = base::TempDir::create();
    ASSERT_TRUE(created.has_value());
    root_.emplace(std::move(*created));
  }

  std::string root() const { return root_->path(); }

  void put(const std::string& file, const std::string& text) {
    fs::create_directories(fs::path(root() + file).parent_path());
    ASSERT_TRUE(base::write_file_atomic(root() + file, text).has_value());
  }

  // A group as the kernel shows it.
  void group(const std::string& path, const std::string& offered, const std::string& handed_down) {
    put(path + "/cgroup.controllers", offered + "\n");
    put(path + "/cgroup.subtree_control", handed_down + "\n");
    put(path + "/cgroup.procs", "1\n999999\n");
  }

  std::string get(const std::string& file) {
    return base::read_file(root() + file, 4096).value_or("missing");
  }

  std::optional<base::TempDir> root_;
};

constexpr const char* kId = "0123456789abcdef";

TEST_F(V2Test, ClimbsToTheNearestGroupThatHandsControllersDown) {
  group("", "cpuset cpu io memory pids", "cpu memory pids");
  group("/user.slice", "cpu memory pids", "cpu memory pids");
  group("/user.slice/session", "", "");
  const V2Backend backend({root(), root() + "/user.slice/session"}, kId, 1);
  EXPECT_EQ(backend.parent(), root() + "/user.slice");
  EXPECT_TRUE(backend.limits_memory());
  EXPECT_TRUE(backend.limits_cpu());
  EXPECT_TRUE(backend.limits_processes());
  EXPECT_TRUE(backend.weaknesses().empty());
}

TEST_F(V2Test, SaysWhichLimitItCannotKeep) {
  group("", "memory", "memory");
  const V2Backend backend({root(), root()}, kId, 1);
  EXPECT_TRUE(backend.limits_memory());
  EXPECT_FALSE(backend.limits_cpu());
  ASSERT_EQ(backend.weaknesses().size(), 2u);
  EXPECT_EQ(backend.weaknesses()[0],
            "CPU limit not enforced: the controller is not delegated to " + root());
}

TEST_F(V2Test, WithoutControllersASandboxRunsWithoutLimits) {
  group("", "", "");
  V2Backend backend({root(), root()}, kId, 1);
  EXPECT_EQ(backend.weaknesses().size(), 3u);
  EXPECT_TRUE(backend.make("a", {}, CpuWeight::kNormal).has_value());
  const auto removed = backend.remove("a");
  ASSERT_TRUE(removed.has_value());
  EXPECT_TRUE(*removed);
}

TEST_F(V2Test, WritesLimitsAsTheKernelReadsThem) {
  group("", "cpu memory pids", "cpu memory pids");
  const V2Backend backend({root(), root()}, kId, 1);
  for (const char* file : {"memory.max", "memory.swap.max", "cpu.max", "pids.max"}) {
    put(std::string("/box/") + file, "");
  }
  const Limits limits{.memory_bytes = 64 << 20, .cpus = 1.5, .max_processes = 77, .disk_bytes = 0};
  ASSERT_TRUE(backend.set_limits(root() + "/box", limits).has_value());
  EXPECT_EQ(get("/box/memory.max"), "67108864");
  EXPECT_EQ(get("/box/memory.swap.max"), "0");
  EXPECT_EQ(get("/box/cpu.max"), "150000 100000");
  EXPECT_EQ(get("/box/pids.max"), "77");

  put("/box/cpu.max", "");
  ASSERT_TRUE(backend.set_limits(root() + "/box", {.cpus = kAllProcessors}).has_value());
  EXPECT_EQ(get("/box/cpu.max"), "max 100000");
}

TEST_F(V2Test, ReportsTheKernelsKillsFromMemoryEvents) {
  group("", "cpu memory pids", "cpu memory pids");
  V2Backend backend({root(), root()}, kId, 1);
  const std::string events = std::string("/msb-") + kId + "/box/memory.events";
  put(events, "low 0\nhigh 0\nmax 4\noom 1\noom_kill 0\noom_group_kill 0\n");
  EXPECT_FALSE(backend.ran_out_of_memory("box"));
  put(events, "low 0\nhigh 0\nmax 4\noom 1\noom_kill 3\noom_group_kill 0\n");
  EXPECT_TRUE(backend.ran_out_of_memory("box"));
}

TEST_F(V2Test, SweepsGroupsThatNobodyHolds) {
  fs::create_directories(root() + "/msb-aaaaaaaaaaaaaaaa/box");
  fs::create_directories(root() + "/unrelated");
  const auto held = claim_engine_group(root() + "/msb-bbbbbbbbbbbbbbbb");
  ASSERT_TRUE(held.has_value());
  sweep_folder(root());
  EXPECT_FALSE(fs::exists(root() + "/msb-aaaaaaaaaaaaaaaa"));
  EXPECT_TRUE(fs::exists(root() + "/msb-bbbbbbbbbbbbbbbb"));
  EXPECT_TRUE(fs::exists(root() + "/unrelated"));
}

TEST_F(V2Test, SweepsAroundItsOwnPlace) {
  for (const char* folder : {"/", "/slice/", "/slice/ours/", "/slice/theirs/"}) {
    fs::create_directories(root() + folder + "msb-aaaaaaaaaaaaaaaa");
  }
  fs::create_directories(root() + "/slice/theirs/kept");
  sweep_around({root(), root() + "/slice/ours"});
  for (const char* folder : {"/", "/slice/", "/slice/ours/", "/slice/theirs/"}) {
    EXPECT_FALSE(fs::exists(root() + folder + "msb-aaaaaaaaaaaaaaaa")) << folder;
  }
  EXPECT_TRUE(fs::exists(root() + "/slice/theirs/kept"));
}

TEST(EngineWeight, IsThatOfAProcessOnEachProcessor) {
  EXPECT_EQ(engine_weight(1024, 1 << 18, 2), 2048u);
  EXPECT_EQ(engine_weight(100, 10'000, 64), 6400u);
  EXPECT_EQ(engine_weight(100, 10'000, 256), 10'000u);
  EXPECT_EQ(engine_weight(1024, 1 << 18, 0), 1024u);
}

TEST(ProcessShare, LeavesTheHostAQuarter) {
  EXPECT_EQ(process_share(32'768), 24'576u);
  EXPECT_EQ(process_share(3), 3u);
  const auto share = host_process_share();
  ASSERT_TRUE(share.has_value());
  EXPECT_GT(*share, 0u);
}

TEST(CpuQuota, CountsInFractionsOfAPeriod) {
  EXPECT_EQ(cpu_quota_us(1.0), 100'000u);
  EXPECT_EQ(cpu_quota_us(0.5), 50'000u);
  EXPECT_EQ(cpu_quota_us(2.25), 225'000u);
  // The kernel refuses less.
  EXPECT_EQ(cpu_quota_us(0.001), 1000u);
}

}  // namespace
}  // namespace msb::isolation::cgroup
