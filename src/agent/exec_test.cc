// SPDX-License-Identifier: Apache-2.0
//
// What a command is given and what comes back, with the real agent and real programs.
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

#include "agent/testing/agent_test.h"
#include "base/file.h"

namespace msb::agent {
namespace {

using testing::Received;
using Cause = wire::Exited::Cause;
using Ended = wire::Exited::Ended;

class Exec : public testing::AgentTest {};

TEST_F(Exec, KeepsStdoutAndStderrApart) {
  const Received& got = run("echo out; echo err >&2; echo more");
  ASSERT_TRUE(got.exited);
  EXPECT_EQ(got.out, "out\nmore\n");
  EXPECT_EQ(got.err, "err\n");
  EXPECT_EQ(got.exited->cause, Cause::kExit);
  EXPECT_EQ(got.exited->code, 0);
  EXPECT_EQ(got.exited->ended, Ended::kByItself);
}

TEST_F(Exec, ReportsStartAndExitInThisOrder) {
  const Received& got = run("exit 0");
  EXPECT_EQ(got.order, (std::vector{wire::FrameType::kStarted, wire::FrameType::kExited}));
  EXPECT_GT(got.started->pid, 0u);
}

TEST_F(Exec, ReportsTheExitStatus) {
  EXPECT_EQ(run("exit 42").exited->code, 42);
}

TEST_F(Exec, ReportsTheSignalThatEndedIt) {
  const Received& got = run("kill -TERM $$");
  EXPECT_EQ(got.exited->cause, Cause::kSignal);
  EXPECT_EQ(got.exited->code, SIGTERM);
  EXPECT_EQ(got.exited->ended, Ended::kByItself);
}

TEST_F(Exec, UsesNoShell) {
  EXPECT_EQ(run(command({"echo", "$HOME", "*", "a  b", ";"})).out, "$HOME * a  b ;\n");
}

TEST_F(Exec, PassesEmptyArguments) {
  EXPECT_EQ(run(command({"printf", "[%s]", "", "x"})).out, "[][x]");
}

TEST_F(Exec, KeepsBinaryBytesAndAMissingNewline) {
  EXPECT_EQ(run("printf 'a\\000\\377\\n\\200z'").out, std::string("a\0\377\n\200z", 6));
}

TEST_F(Exec, HasNoStdinUnlessFed) {
  const Received& got = run("cat; readlink /proc/self/fd/0");
  EXPECT_EQ(got.out, "/dev/null\n");
}

TEST_F(Exec, FeedsStdinAndEndsIt) {
  wire::Exec request = command({"sort"});
  request.flags = wire::Exec::kStdin;
  const std::uint32_t stream = agent_->exec(request);
  agent_->send_data(stream, "b\nc\n");
  agent_->send_data(stream, "a\n");
  agent_->end(stream);
  EXPECT_EQ(agent_->finish(stream).out, "a\nb\nc\n");
}

TEST_F(Exec, SurvivesInputThatNobodyReads) {
  wire::Exec request =
      command({"sh", "-c", "exec <&-; read x < /proc/self/fd/9 2>/dev/null; echo done"});
  request.flags = wire::Exec::kStdin;
  const std::uint32_t stream = agent_->exec(request);
  agent_->send_data(stream, std::string(3 << 20, 'x'));
  EXPECT_EQ(agent_->finish(stream).out, "done\n");
  EXPECT_TRUE(agent_->ping());
}

TEST_F(Exec, GivesNoDescriptorButThree) {
  // The fourth is the listing's own.
  EXPECT_EQ(run("ls /proc/self/fd").out, "0\n1\n2\n3\n");
}

TEST_F(Exec, LeadsItsOwnSession) {
  const Received& got =
      run("read pid comm state ppid group session rest < /proc/self/stat; "
          "[ $pid = $group ] && [ $pid = $session ] && echo leader");
  EXPECT_EQ(got.out, "leader\n");
}

TEST_F(Exec, StartsWithDefaultSignals) {
  const Received& got = run("grep -E 'Sig(Blk|Ign)' /proc/self/status");
  EXPECT_EQ(got.out, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(Exec, KeepsTheLimitOnDescriptors) {
  rlimit ours{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &ours), 0);
  EXPECT_EQ(run("ulimit -Sn").out, std::to_string(ours.rlim_cur) + "\n");
}

TEST_F(Exec, IsKilledBeforeTheAgentWhenMemoryRunsOut) {
  const auto agents = base::read_file("/proc/self/oom_score_adj", 16);  // as this program's
  ASSERT_TRUE(agents);
  EXPECT_EQ(run("cat /proc/self/oom_score_adj").out,
            std::to_string(std::stoi(*agents) + 100) + "\n");
}

TEST_F(Exec, MergesTheEnvironmentOfConfigurationAndRequest) {
  restart({.env = {"PATH=/usr/bin:/bin", "A=1", "B=2", "HOME=/h"}});
  wire::Exec request = command({"env"});
  request.env = {"B=two", "C=3=4", "nonsense", "=x"};
  EXPECT_EQ(run(request).out, "PATH=/usr/bin:/bin\nA=1\nB=two\nHOME=/h\nC=3=4\n");
}

TEST_F(Exec, TakesHomeFromTheAccount) {
  restart({.env = {}});
  EXPECT_EQ(run(command({"printenv", "HOME"})).out, "/root\n");
}

TEST_F(Exec, LooksForTheProgramOnTheRequestsPath) {
  auto folder = base::TempDir::create();
  ASSERT_TRUE(folder);
  const std::string tool = folder->path() + "/my-tool";
  ASSERT_TRUE(base::write_file_atomic(tool, "#!/bin/sh\necho mine\n", 0755));
  wire::Exec request = command({"my-tool"});
  request.env = {"PATH=/nonexistent:" + folder->path()};
  EXPECT_EQ(run(request).out, "mine\n");
}

TEST_F(Exec, SaysWhenTheProgramIsNotFound) {
  const Received& got = run(command({"no-such-program"}));
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kNotFound);
  EXPECT_EQ(got.failed->sys_errno, ENOENT);
  EXPECT_EQ(got.failed->text, "no-such-program: No such file or directory");
}

TEST_F(Exec, SaysWhenTheProgramCannotBeExecuted) {
  for (const auto& [program, reason] :
       {std::pair("/etc/passwd", EACCES), std::pair("/etc", EACCES)}) {
    const Received& got = run(command({program}));
    ASSERT_TRUE(got.failed) << program;
    EXPECT_EQ(got.failed->code, ErrorCode::kPermissionDenied);
    EXPECT_EQ(got.failed->sys_errno, reason);
  }
}

TEST_F(Exec, SaysWhenTheFileIsNoProgram) {
  auto folder = base::TempDir::create();
  ASSERT_TRUE(base::write_file_atomic(folder->path() + "/x", "no program", 0755));
  const Received& got = run(command({folder->path() + "/x"}));
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kPermissionDenied);
  EXPECT_EQ(got.failed->sys_errno, ENOEXEC);
}

TEST_F(Exec, SaysWhenTheArgumentsAreTooMany) {
  wire::Exec request = command({"true", std::string(140 * 1024, 'x')});
  request.argv[1].resize(wire::kMaxStringBytes);  // with its end, one byte more than Linux takes
  const Received& got = run(request);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(got.failed->sys_errno, E2BIG);
}

TEST_F(Exec, RunsInTheConfiguredFolderWhichItCreates) {
  auto folder = base::TempDir::create();
  const std::string deep = folder->path() + "/a/b";
  restart({.workdir = deep});
  EXPECT_EQ(run("pwd").out, deep + "\n");
}

TEST_F(Exec, RunsInTheRequestedFolder) {
  wire::Exec request = command({"pwd"});
  request.workdir = "/usr";
  EXPECT_EQ(run(request).out, "/usr\n");
}

TEST_F(Exec, SaysWhenTheFolderIsNotThere) {
  wire::Exec request = command({"pwd"});
  request.workdir = "/no/such/folder";
  const Received& got = run(request);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kNotFound);
  EXPECT_EQ(got.failed->text, "chdir(/no/such/folder): No such file or directory");
}

TEST_F(Exec, SaysWhenTheUserIsNotThere) {
  wire::Exec request = command({"id"});
  request.user = "nosuchuser";
  const Received& got = run(request);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(got.failed->text, "user 'nosuchuser': not in the sandbox's /etc/passwd");
}

TEST_F(Exec, BecomesTheRequestedUserWithoutPrivileges) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can become another user";
  }
  wire::Exec request = command({"sh", "-c", "id -u; id -g; grep CapEff /proc/self/status"});
  request.user = "nobody";
  EXPECT_EQ(run(request).out, "65534\n65534\nCapEff:\t0000000000000000\n");
}

TEST_F(Exec, RunsAsItselfOnlyWhenTheAgentIsNotRoot) {
  restart({.user = "nobody", .agent_is_root = false});
  EXPECT_EQ(run("id -u").out, "65534\n");
  wire::Exec request = command({"id"});
  request.user = "root";
  const Received& got = run(request);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kPermissionDenied);
}

TEST_F(Exec, LosesNoTrailingOutput) {
  for (int i = 0; i < 50; ++i) {
    const Received& got = run("printf %060000d 7; printf %060000d 8 >&2");
    ASSERT_EQ(got.out.size(), 60000u);
    ASSERT_EQ(got.err.size(), 60000u);
    ASSERT_EQ(got.out.back(), '7');
    ASSERT_EQ(got.err.back(), '8');
  }
}

TEST_F(Exec, RunsManyAtOnce) {
  std::vector<std::uint32_t> streams;
  for (int i = 0; i < 100; ++i) {
    streams.push_back(agent_->shell("echo " + std::to_string(i) + "; exit " + std::to_string(i)));
  }
  for (int i = 0; i < 100; ++i) {
    const Received& got = agent_->finish(streams[static_cast<std::size_t>(i)]);
    ASSERT_TRUE(got.exited);
    EXPECT_EQ(got.out, std::to_string(i) + "\n");
    EXPECT_EQ(got.exited->code, i);
  }
}

TEST_F(Exec, LeaksNoDescriptor) {
  run("true");
  const std::size_t before = agent_descriptors();
  for (int i = 0; i < 200; ++i) {
    run("echo x");
    run(command({"no-such-program"}));
  }
  EXPECT_EQ(agent_descriptors(), before);
}

}  // namespace
}  // namespace msb::agent
