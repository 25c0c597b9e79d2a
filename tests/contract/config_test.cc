// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "contract.h"

namespace msb::contract {
namespace {

TEST(Config, VariablesFolderAndUserReachEverything) {
  PythonSandbox sandbox;
  StartConfig config;
  config.envs = {"COLOUR=blue", "EMPTY=", "TWICE=1", "TWICE=2"};
  config.workdir = "/srv/new/folder";
  config.user = "root";
  const auto started = sandbox.start(config);
  ASSERT_TRUE(started) << why(started);
  const char* expected = "blue  2 /srv/new/folder 0";
  EXPECT_EQ(sandbox.command()
                .run("sh", {"-c", "echo $COLOUR $EMPTY \"\" $TWICE $PWD $(id -u)"})
                ->output(),
            "blue  2 /srv/new/folder 0");
  EXPECT_EQ(sandbox.code()
                .run("import os\nprint(os.environ['COLOUR'], os.environ['EMPTY'], "
                     "os.environ['TWICE'], os.getcwd(), os.getuid())")
                ->output(),
            expected);
}

TEST(Config, TheImagesOwnSettingsHold) {
  PythonSandbox sandbox;
  ASSERT_TRUE(sandbox.start());
  EXPECT_EQ(sandbox.command().run("sh", {"-c", "echo $LANG $HOME $PWD"})->output(),
            "C.UTF-8 /home/python-user /home/python-user/work");
  EXPECT_EQ(sandbox.image_command(), std::vector<std::string>{"python3"});
}

TEST(Config, ScriptsAreOnThePathAndRunByTheShell) {
  PythonSandbox sandbox;
  StartConfig config;
  config.shell = "/bin/bash";
  config.scripts = {{"greet", "echo \"hello $1 from ${BASH_VERSION:+bash}\"\n"},
                    {"count.py", "#!/usr/bin/env python3\nprint(6 * 7)\n"}};
  const auto started = sandbox.start(config);
  ASSERT_TRUE(started) << why(started);
  EXPECT_EQ(sandbox.command().run("greet", {"you"})->output(), "hello you from bash");
  EXPECT_EQ(sandbox.command().run("count.py")->output(), "42");
  EXPECT_EQ(
      sandbox.code().run("import subprocess\nsubprocess.run(['greet', 'me']) and None")->output(),
      "hello me from bash");
}

TEST(Config, ExecRunsInTheBackgroundAndIsLogged) {
  PythonSandbox sandbox;
  StartConfig config;
  config.exec = "echo one; echo two >&2; exit 9";
  const auto started = sandbox.start(config);
  ASSERT_TRUE(started) << why(started);
  ASSERT_TRUE(eventually([&] { return sandbox.exec_exit_code().has_value(); }));
  EXPECT_EQ(sandbox.exec_exit_code(), 9);
  EXPECT_EQ(*sandbox.log(), "one\ntwo\n");
  EXPECT_EQ(*sandbox.log(4), "two\n");
}

TEST(Config, ExecThatStillRunsDoesNotHoldUpTheStop) {
  PythonSandbox sandbox;
  StartConfig config;
  config.exec = "echo up; sleep 600";
  ASSERT_TRUE(sandbox.start(config));
  ASSERT_TRUE(eventually([&] { return *sandbox.log() == "up\n"; }));
  EXPECT_FALSE(sandbox.exec_exit_code());
  EXPECT_TRUE(sandbox.stop());
}

TEST(Config, DependenciesAreStartedFirst) {
  const Kept db("db");
  const Kept cache("cache");
  const Kept web("web");
  {
    PythonSandbox define(db.options());
    ASSERT_TRUE(define.start());
  }
  {
    PythonSandbox define(cache.options());
    StartConfig config;
    config.depends_on = {db.name()};
    ASSERT_TRUE(define.start(config));
  }
  const auto running = [&](const Kept& kept) {
    const auto readings = Sandbox::list();
    EXPECT_TRUE(readings) << why(readings);
    for (const Metrics& reading : *readings) {
      if (reading.name == kept.name()) {
        return reading.is_running;
      }
    }
    return false;
  };
  PythonSandbox stop_db(db.options());
  ASSERT_TRUE(stop_db.start());
  ASSERT_TRUE(stop_db.stop());
  ASSERT_FALSE(running(db));

  PythonSandbox sandbox(web.options());
  StartConfig config;
  config.depends_on = {cache.name()};
  const auto started = sandbox.start(config);
  ASSERT_TRUE(started) << why(started);
  EXPECT_TRUE(running(cache));
  EXPECT_TRUE(running(db));
}

TEST(Config, DependenciesThatCannotBeAreRefused) {
  const Kept first("first");
  const Kept second("second");
  PythonSandbox sandbox(second.options());
  StartConfig config;
  config.depends_on = {first.name()};
  const auto unknown = sandbox.start(config);
  ASSERT_FALSE(unknown);
  EXPECT_TRUE(unknown.error().is(ErrorCode::kNotFound)) << why(unknown);
  {
    PythonSandbox other(first.options());
    ASSERT_TRUE(other.start());
    ASSERT_TRUE(sandbox.start(config));
    ASSERT_TRUE(sandbox.stop());
  }
  PythonSandbox other(first.options());
  StartConfig back;
  back.depends_on = {second.name()};
  const auto cycle = other.start(back);
  ASSERT_FALSE(cycle);
  EXPECT_TRUE(cycle.error().is(ErrorCode::kInvalidArgument)) << why(cycle);
  EXPECT_NE(cycle.error().message().find("cycle: " + first.name() + " -> " + second.name() +
                                         " -> " + first.name()),
            std::string::npos)
      << why(cycle);
}

}  // namespace
}  // namespace msb::contract
