// SPDX-License-Identifier: Apache-2.0
//
// Which walls a sandbox gets is what was asked for, or an error.
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

StartConfig with(const std::string& isolation) {
  StartConfig config;
  config.image = "microsandbox/python";
  config.isolation = isolation;
  return config;
}

TEST(Isolation, AnUnknownTierIsAnErrorThatNamesThoseThereAre) {
  PythonSandbox sandbox;
  const auto started = sandbox.start(with("docker"));
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kInvalidArgument)) << why(started);
  EXPECT_NE(why(started).find("isolation 'docker': must be one of jail, oci:crun"),
            std::string::npos)
      << why(started);
}

TEST(Isolation, TheUsualTierMayBeNamed) {
  PythonSandbox sandbox;
  const auto started = sandbox.start(with(usual_tier()));
  ASSERT_TRUE(started) << why(started);
  EXPECT_EQ(sandbox.code().run("print(1)")->output(), "1");
}

TEST(Isolation, ASandboxSaysWhichWallsItHas) {
  SandboxOptions options;
  options.name = unique_name("walls");
  PythonSandbox sandbox(options);
  EXPECT_EQ(sandbox.isolation(), "");
  const auto started = sandbox.start();
  ASSERT_TRUE(started) << why(started);
  EXPECT_EQ(sandbox.isolation(), usual_tier());
  EXPECT_EQ(sandbox.metrics().all()->isolation, usual_tier());
  PythonSandbox joined(options);
  ASSERT_TRUE(joined.attach());
  EXPECT_EQ(joined.isolation(), usual_tier());
  ASSERT_TRUE(sandbox.stop());
  EXPECT_EQ(sandbox.isolation(), "");
  EXPECT_TRUE(sandbox.remove());
}

TEST(Isolation, WhatIsNotAllowedIsRefusedWithWhatIs) {
  PythonSandbox sandbox;
  // A server has its list, and so has this program's engine where $MSB_ISOLATION is set.
  if (usual_tier() == "jail" && std::getenv("MSB_SERVER_URL") == nullptr) {
    SandboxOptions options;
    options.engine =
        *Engine::create({.home = {}, .libexec_dir = {}, .pool = {}, .isolation = {"jail"}});
    sandbox = PythonSandbox(options);
  }
  const auto started = sandbox.start(with(usual_tier() == "oci:crun" ? "jail" : "oci:crun"));
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kPermissionDenied)) << why(started);
  EXPECT_NE(why(started).find("allowed: " + usual_tier()), std::string::npos) << why(started);
}

TEST(IsolationHere, WhatRunsWithOtherWallsIsNotTakenForWhatWasAskedFor) {
  SandboxOptions options;
  options.name = unique_name("walls");
  options.is_ephemeral = false;
  options.engine = *Engine::create(
      {.home = {}, .libexec_dir = {}, .pool = {}, .isolation = {"jail", "oci:crun"}});
  PythonSandbox first(options);
  ASSERT_TRUE(first.start(with("oci:crun")));
  PythonSandbox second(options);
  const auto started = second.start(with("jail"));
  ASSERT_FALSE(started);
  EXPECT_TRUE(started.error().is(ErrorCode::kConflict)) << why(started);
  EXPECT_NE(why(started).find("isolation 'oci:crun'"), std::string::npos) << why(started);
  EXPECT_TRUE(second.start(with("oci:crun"))) << "the same walls are a success";
  EXPECT_EQ(second.command().run("ls", {"/.sandbox/agent"})->exit_code(), 0);
  // Stored with the rest of its definition.
  ASSERT_TRUE(first.stop());
  ASSERT_TRUE(second.start());
  EXPECT_EQ(second.command().run("ls", {"/.sandbox/agent"})->exit_code(), 0);
  EXPECT_TRUE(second.remove());
}

}  // namespace
}  // namespace msb::contract
