// SPDX-License-Identifier: Apache-2.0
#include "server/statistics.h"

#include <gtest/gtest.h>

namespace msb::server {
namespace {

TEST(Statistics, ACallIsInItsBucketAndThoseAbove) {
  Statistics statistics;
  statistics.count_call("sandbox.start", 0, std::chrono::milliseconds(30));
  statistics.count_call("sandbox.start", 5002, std::chrono::milliseconds(30));
  const std::string page = statistics.exposition({}, {});
  for (const char* const line :
       {"msb_call_duration_seconds_bucket{method=\"sandbox.start\",le=\"0.025\"} 0\n",
        "msb_call_duration_seconds_bucket{method=\"sandbox.start\",le=\"0.05\"} 2\n",
        "msb_call_duration_seconds_bucket{method=\"sandbox.start\",le=\"+Inf\"} 2\n",
        "msb_call_errors_total{method=\"sandbox.start\",code=\"5002\"} 1\n"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line << page;
  }
}

TEST(Statistics, NamesThatCallersChooseNeitherWriteNorFillThePage) {
  Statistics statistics;
  statistics.count_call("mcp.a\"} 1\nmsb_forged 1", 0, {});
  for (int i = 0; i < 1000; ++i) {
    statistics.count_call("mcp.tool" + std::to_string(i), 0, {});
  }
  const std::string page = statistics.exposition({}, {});
  EXPECT_EQ(page.find("forged"), std::string::npos);
  EXPECT_EQ(page.find("tool500"), std::string::npos);
  EXPECT_NE(page.find("method=\"other\""), std::string::npos);
}

TEST(Statistics, SparesAreCounted) {
  const Statistics statistics;
  const std::string page = statistics.exposition(
      {}, {.ready = 2, .wanted = 3, .claimed = 40, .not_found = 5, .failed = 1});
  for (const char* const line :
       {"msb_spares{state=\"ready\"} 2\n", "msb_spares{state=\"wanted\"} 3\n",
        "msb_spare_claims_total{result=\"claimed\"} 40\n",
        "msb_spare_claims_total{result=\"not_found\"} 5\n", "msb_spare_failures_total 1\n"}) {
    EXPECT_NE(page.find(line), std::string::npos) << line << page;
  }
}

}  // namespace
}  // namespace msb::server
