// SPDX-License-Identifier: Apache-2.0
//
// What is wrong is named, and nothing is made of it.
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "contract.h"
#include "host_traces.h"

namespace msb::contract {
namespace {

struct Bad {
  const char* what;
  std::function<void(SandboxOptions&, StartConfig&)> spoil;
  ErrorCode code;
  std::string words;
};

const std::vector<Bad> kBad = {
    {"name", [](auto& o, auto&) { o.name = "a b"; }, ErrorCode::kInvalidArgument,
     "Sandbox name can only contain alphanumeric characters, hyphens, or underscores"},
    {"namespace", [](auto& o, auto&) { o.namespace_ = "../x"; }, ErrorCode::kInvalidArgument,
     "Namespace can only contain alphanumeric characters, hyphens, or underscores"},
    {"image", [](auto&, auto& c) { c.image = "UPPER CASE!"; }, ErrorCode::kInvalidArgument,
     "image 'UPPER CASE!'"},
    {"memory 0", [](auto&, auto& c) { c.memory = 0; }, ErrorCode::kInvalidArgument,
     "memory: 0 MiB is below the minimum of 16"},
    {"memory 10^12", [](auto&, auto& c) { c.memory = 1'000'000'000'000; },
     ErrorCode::kInvalidArgument, "memory: 1000000000000 MiB is above the maximum of 1048576"},
    {"port 70000", [](auto&, auto& c) { c.ports = {"70000:80"}; }, ErrorCode::kInvalidArgument,
     "ports[0] '70000:80': host port must be 0..65535"},
    {"volume", [](auto&, auto& c) { c.volumes = {":/data"}; }, ErrorCode::kInvalidArgument,
     "volumes[0] ':/data': host path is empty"},
    {"volume that is not there", [](auto&, auto& c) { c.volumes = {"/tmp/nonesuch:/data"}; },
     ErrorCode::kNotFound, "volumes[0] '/tmp/nonesuch:/data'"},
    {"env", [](auto&, auto& c) { c.envs = {"FOO"}; }, ErrorCode::kInvalidArgument,
     "envs[0] 'FOO': must be KEY=VALUE"},
    {"workdir", [](auto&, auto& c) { c.workdir = "here"; }, ErrorCode::kInvalidArgument,
     "workdir 'here': must be absolute"},
    {"script", [](auto&, auto& c) { c.scripts = {{"a/b", "x"}}; }, ErrorCode::kInvalidArgument,
     "scripts['a/b']"},
    {"cpus", [](auto&, auto& c) { c.cpus = -1; }, ErrorCode::kInvalidArgument, "cpus: -1"},
    {"unknown volume owner",
     [](auto&, auto& c) {
       c.user = "nobody-knows";
       c.volumes = {"/tmp:/data"};
     },
     ErrorCode::kInvalidArgument, "user 'nobody-knows'"},
};

TEST(BadInput, GetsAClearErrorAndNothingIsMade) {
  const auto engine = Engine::instance();
  ASSERT_TRUE(engine) << why(engine);
  ASSERT_TRUE(PythonSandbox().start());  // the warden is there: what it has is no trace
  for (const Bad& bad : kBad) {
    SandboxOptions options;
    options.name = unique_name("bad");
    StartConfig config;
    config.image = "microsandbox/python";
    bad.spoil(options, config);
    const HostTraces before = HostTraces::take((*engine)->home());
    {
      Sandbox sandbox(options);
      const auto started = sandbox.start(config);
      ASSERT_FALSE(started) << bad.what;
      EXPECT_TRUE(started.error().is(ErrorCode::kFailedToStartSandbox)) << bad.what;
      EXPECT_TRUE(started.error().is(bad.code)) << bad.what << ": " << why(started);
      EXPECT_NE(started.error().message().find(bad.words), std::string::npos)
          << bad.what << ": " << why(started);
    }
    EXPECT_EQ(HostTraces::take((*engine)->home()).difference(before), "") << bad.what;
    const auto readings = Sandbox::list();
    ASSERT_TRUE(readings) << why(readings);
    for (const Metrics& reading : *readings) {
      EXPECT_NE(reading.name, options.name) << bad.what;
    }
  }
}

TEST(BadInput, AnImageThatIsNowhereIsNotFoundOrUnreachable) {
  Sandbox sandbox;
  StartConfig config;
  config.image = "127.0.0.1:1/nonesuch:latest";
  const auto started = sandbox.start(config);
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kUnavailable) ||
              started.error().is(ErrorCode::kNotFound))
      << why(started);
}

TEST(BadInput, WithoutAnImageThereIsNothingToStart) {
  Sandbox sandbox;
  const auto started = sandbox.start();
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kInvalidArgument)) << why(started);
}

}  // namespace
}  // namespace msb::contract
