// SPDX-License-Identifier: Apache-2.0
#include "contract.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

namespace msb::contract {
namespace {

// `make test` goes on without what machines need, where it cannot be had.
class HostWithTheTier : public ::testing::Environment {
 public:
  void SetUp() override {
    if (usual_tier() != "microvm") {
      return;
    }
    const auto report = examine_host();
    ASSERT_TRUE(report) << why(report);
    for (const TierReport& tier : report->tiers) {
      for (const HostFinding& finding : tier.findings) {
        if (tier.tier == usual_tier() && finding.level == HostFinding::Level::kMissing) {
          GTEST_SKIP() << finding.detail << ": " << finding.remedy;
        }
      }
    }
  }
};

[[maybe_unused]] const ::testing::Environment* const kHost =
    ::testing::AddGlobalTestEnvironment(new HostWithTheTier);

}  // namespace

std::string unique_name(const std::string& prefix) {
  static std::atomic<int> next = 0;
  return prefix + "-" + std::to_string(::getpid()) + "-" + std::to_string(next++);
}

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::string usual_tier() {
  const char* const tier = std::getenv("MSB_ISOLATION");
  return tier == nullptr ? "jail" : tier;
}

int much(int amount) {
  const std::string tier = usual_tier();
  return tier == "microvm" || tier == "oci:runsc" ? amount / 10 : amount;
}

bool dies_at_its_limits() {
  return usual_tier() == "oci:runsc";
}

}  // namespace msb::contract
