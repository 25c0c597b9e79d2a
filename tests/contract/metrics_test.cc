// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

class MetricsOf : public Started<PythonSandbox> {};

TEST_F(MetricsOf, CpuFollowsTheWork) {
  (void)sandbox_.metrics().cpu();
  ASSERT_EQ(out("import time\nb = time.monotonic()\nwhile time.monotonic() - b < 0.5: pass"), "");
  EXPECT_GT(*sandbox_.metrics().cpu(), 10.0);
}

TEST_F(MetricsOf, MemoryFollowsTheWorkAndLeavesThePageCacheOut) {
  ASSERT_EQ(out("1"), "1");
  const auto before = *sandbox_.metrics().memory_mib();
  ASSERT_EQ(out("x = bytearray(100 * 2**20)"), "");
  EXPECT_GE(*sandbox_.metrics().memory_mib(), before + 90);
  ASSERT_EQ(out("del x"), "");
  ASSERT_EQ(shell("head -c 200M /dev/zero > ~/cached"), "");
  EXPECT_LT(*sandbox_.metrics().memory_mib(), before + 50);
}

TEST_F(MetricsOf, DiskIsWhatTheSandboxHasWritten) {
  const auto before = *sandbox_.metrics().disk_bytes();
  EXPECT_LT(before, 1 << 20);
  ASSERT_EQ(shell("head -c 10M /dev/urandom > ~/data; sync ~/data"), "");
  const auto after = *sandbox_.metrics().disk_bytes();
  EXPECT_GE(after, before + (10 << 20));
  EXPECT_LT(after, before + (12 << 20));
}

TEST_F(MetricsOf, SayWhoseTheyAre) {
  const auto all = sandbox_.metrics().all();
  ASSERT_TRUE(all);
  EXPECT_EQ(all->name, sandbox_.name());
  EXPECT_EQ(all->namespace_, "default");
  EXPECT_TRUE(all->is_running);
}

TEST(MetricsOverTime, DiskUseOfANameIsTheSameAfterARestart) {
  const Kept kept("disk");
  PythonSandbox sandbox(kept.options());
  ASSERT_TRUE(sandbox.start());
  ASSERT_TRUE(sandbox.command().run("sh", {"-c", "head -c 5M /dev/urandom > ~/data; sync ~/data"}));
  const auto before = *sandbox.metrics().disk_bytes();
  ASSERT_TRUE(sandbox.stop());
  ASSERT_TRUE(sandbox.start());
  EXPECT_NEAR(static_cast<double>(*sandbox.metrics().disk_bytes()), static_cast<double>(before),
              256 * 1024);
}

}  // namespace
}  // namespace msb::contract
