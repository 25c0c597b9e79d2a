// SPDX-License-Identifier: Apache-2.0
#include "base/child_process.h"

#include <gtest/gtest.h>
#include <signal.h>

#include "base/file.h"
#include "base/sys.h"

namespace msb::base {
namespace {

using std::chrono::seconds;

ChildSpec shell(const std::string& script) {
  ChildSpec spec;
  spec.path = "/bin/sh";
  spec.argv = {"sh", "-c", script};
  return spec;
}

TEST(ChildProcess, ReportsTheExitStatus) {
  ChildProcess child = *ChildProcess::spawn(shell("exit 3"));
  const auto status = child.wait(seconds(20));
  ASSERT_TRUE(status && *status);
  EXPECT_FALSE((*status)->signaled);
  EXPECT_EQ((*status)->code, 3);
  EXPECT_EQ((*status)->text(), "exit status 3");
}

TEST(ChildProcess, ReportsTheSignal) {
  ChildProcess child = *ChildProcess::spawn(shell("kill -TERM $$"));
  const auto status = child.wait(seconds(20));
  ASSERT_TRUE(status && *status);
  EXPECT_TRUE((*status)->signaled);
  EXPECT_EQ((*status)->code, SIGTERM);
}

TEST(ChildProcess, NamesTheProgramThatCannotBeExecuted) {
  ChildSpec spec;
  spec.path = "/nonexistent/program";
  spec.argv = {"program"};
  const auto child = ChildProcess::spawn(spec);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(child.error().message(), "execve(/nonexistent/program): No such file or directory");
}

TEST(ChildProcess, GetsTheListedDescriptorsAndNoOthers) {
  sys::Pipe pipe = *sys::pipe();
  // Deliberately inheritable: it must be gone in the child all the same.
  const UniqueFd leak(::dup(pipe.read_end.get()));
  ChildSpec spec = shell("ls /proc/self/fd | tr '\\n' ' ' >&7");
  spec.fds = {{pipe.write_end.get(), 7}};
  const ChildProcess child = *ChildProcess::spawn(spec);
  pipe.write_end.reset();
  // 3 is the listing's own.
  EXPECT_EQ(read_all(pipe.read_end.get(), 4096).value(), "0 1 2 3 7 ");
}

TEST(ChildProcess, SwapsDescriptorsWhoseNumbersCollide) {
  sys::Pipe first = *sys::pipe();
  sys::Pipe second = *sys::pipe();
  ChildSpec spec = shell("echo one >&" + std::to_string(second.write_end.get()) + "; echo two >&" +
                         std::to_string(first.write_end.get()));
  spec.fds = {{first.write_end.get(), second.write_end.get()},
              {second.write_end.get(), first.write_end.get()}};
  const ChildProcess child = *ChildProcess::spawn(spec);
  first.write_end.reset();
  second.write_end.reset();
  EXPECT_EQ(read_all(first.read_end.get(), 100).value(), "one\n");
  EXPECT_EQ(read_all(second.read_end.get(), 100).value(), "two\n");
}

TEST(ChildProcess, PassesTheEnvironmentItIsGiven) {
  sys::Pipe pipe = *sys::pipe();
  ChildSpec spec = shell("echo $A-$HOME >&1");
  spec.env = std::vector<std::string>{"A=b"};
  spec.fds = {{pipe.write_end.get(), 1}};
  const ChildProcess child = *ChildProcess::spawn(spec);
  pipe.write_end.reset();
  EXPECT_EQ(read_all(pipe.read_end.get(), 100).value(), "b-\n");
}

TEST(ChildProcess, IsKilledAndReapedByItsOwner) {
  pid_t pid = 0;
  {
    const ChildProcess child = *ChildProcess::spawn(shell("exec sleep 1000"));
    pid = child.pid();
    EXPECT_EQ(::kill(pid, 0), 0);
  }
  EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(ChildProcess, WaitEndsAtItsTimeout) {
  ChildProcess child = *ChildProcess::spawn(shell("exec sleep 1000"));
  const auto status = child.wait(std::chrono::milliseconds(1));
  ASSERT_TRUE(status);
  EXPECT_FALSE(*status);
}

}  // namespace
}  // namespace msb::base
