// SPDX-License-Identifier: Apache-2.0
#include "server/edge.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <semaphore>

#include "server/methods.h"
#include "server/testing/memory_backend.h"
#include "server/worker_pool.h"

namespace msb::server {
namespace {

TEST(PathOf, CollapsesSlashesAndDropsWhatIsNoPath) {
  EXPECT_EQ(path_of("//api/v1///rpc"), "/api/v1/rpc");
  EXPECT_EQ(path_of("/mcp?key=x#y"), "/mcp");
  EXPECT_EQ(path_of("http://host:1/mcp"), "/mcp");
  EXPECT_EQ(path_of("http://host"), "");
  EXPECT_EQ(path_of("*"), "");
  EXPECT_EQ(path_of("/api/../mcp"), "/api/../mcp");
}

TEST(JsonMediaType, AllowsParametersAndSuffixes) {
  EXPECT_TRUE(is_json_media_type("application/json"));
  EXPECT_TRUE(is_json_media_type("Application/JSON ; charset=utf-8"));
  EXPECT_TRUE(is_json_media_type("application/vnd.x+json"));
  for (const char* type : {"", "application/", "application/+json", "text/json",
                           "application/jsonp", "json", "application/json2"}) {
    EXPECT_FALSE(is_json_media_type(type)) << type;
  }
}

TEST(Accepts, TheTypeItselfAndNotAWildcard) {
  EXPECT_TRUE(accepts("application/json, text/event-stream;q=0.5", "text/event-stream"));
  EXPECT_FALSE(accepts("*/*", "text/event-stream"));
  EXPECT_FALSE(accepts(std::nullopt, "text/event-stream"));
}

TEST(LoopbackAuthority, IsWhatABrowserOfThisHostSends) {
  for (const char* host :
       {"localhost", "LOCALHOST:5555", "127.0.0.1", "127.9.9.9:1", "[::1]:5555"}) {
    EXPECT_TRUE(is_loopback_authority(host)) << host;
  }
  for (const char* host : {"", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                           "localhost:port", "[::2]", "[::1", "10.0.0.1", "2130706433", "127.1",
                           "localhost@evil.example", "user@localhost", "localhost:1:2"}) {
    EXPECT_FALSE(is_loopback_authority(host)) << host;
  }
}

TEST(Edge, InTheAbsoluteFormTheTargetsHostCounts) {
  const Access dev(std::nullopt);
  const Edge edge(dev);
  RequestHead head;
  head.verb = "GET";
  head.host = "localhost";
  head.target = "http://127.0.0.1:5555/api/v1/health";
  EXPECT_TRUE(edge.judge(head, 0));
  for (const char* target : {"http://evil.example/api/v1/health", "x://evil.example/api/v1/health",
                             "http://localhost@evil.example/api/v1/health"}) {
    head.target = target;
    const auto passage = edge.judge(head, 0);
    ASSERT_FALSE(passage) << target;
    EXPECT_EQ(passage.error().reply.status, 403) << target;
  }
}

TEST(WithoutHostPaths, ReplacesWholePathsOnly) {
  const std::vector<std::string> prefixes = {"/root/.microsandbox"};
  EXPECT_EQ(without_host_paths("open(/root/.microsandbox/x/y): denied", prefixes),
            "open(<host path>): denied");
  EXPECT_EQ(without_host_paths("'/root/.microsandbox' and /root/.microsandbox", prefixes),
            "'<host path>' and <host path>");
  EXPECT_EQ(without_host_paths("/root/.microsandboxes", prefixes), "/root/.microsandboxes");
}

TEST(WorkerPool, RefusesWhatHasNoRoom) {
  std::binary_semaphore go_on(0);
  std::latch working(1);
  std::atomic<int> done = 0;
  {
    WorkerPool pool(1, 1);
    EXPECT_TRUE(pool.try_post([&] {
      working.count_down();
      go_on.acquire();
      ++done;
    }));
    working.wait();
    EXPECT_TRUE(pool.try_post([&] { ++done; }));
    EXPECT_FALSE(pool.try_post([&] { ++done; }));
    go_on.release();
  }
  EXPECT_EQ(done, 2);
}

TEST(WorkerPool, RunsSideBySideUpToItsLimit) {
  constexpr int kThreads = 8;
  std::latch all_at_once(kThreads);
  WorkerPool pool(kThreads, 0);
  for (int i = 0; i < kThreads; ++i) {
    EXPECT_TRUE(pool.try_post([&] { all_at_once.arrive_and_wait(); }));
  }
  all_at_once.wait();
}

}  // namespace
}  // namespace msb::server
