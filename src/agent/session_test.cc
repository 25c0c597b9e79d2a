// SPDX-License-Identifier: Apache-2.0
//
// The protocol's edges: greeting, unknown and broken frames, limits, files.
#include "agent/session.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <vector>

#include "agent/testing/agent_test.h"
#include "base/bytes.h"
#include "base/file.h"

namespace msb::agent {
namespace {

using testing::AgentClient;
using testing::Received;
using wire::FrameType;

class AgentSession : public testing::AgentTest {
 protected:
  wire::WriteFile file(const std::string& path, const std::string& content) {
    wire::WriteFile request;
    request.path = path;
    request.content = content;
    return request;
  }
  Received& write(const wire::WriteFile& request) {
    return agent_->finish(agent_->write_file(request));
  }
  Received& adopt(const std::string& variable, bool is_rehearsal = false) {
    const std::uint32_t stream = agent_->new_stream();
    agent_->send(stream, wire::Adopt{.settings = {.env = {"PATH=/usr/bin:/bin", variable},
                                                  .workdir = "/",
                                                  .user = {}},
                                     .is_rehearsal = is_rehearsal});
    return agent_->finish(stream);
  }
  // The agent must end, with status 1: the host broke the protocol.
  void expect_refusal() {
    const auto status = agent_->wait_for_exit();
    ASSERT_TRUE(status);
    EXPECT_FALSE(status->signaled);
    EXPECT_EQ(status->code, 1);
  }
};

TEST_F(AgentSession, AnswersHelloWithVersionAndInstance) {
  ASSERT_TRUE(agent_->hello());
  EXPECT_EQ(agent_->hello()->version, wire::kProtocolVersion);
  EXPECT_EQ(agent_->hello()->instance_id, "test");
}

TEST_F(AgentSession, EndsQuietlyWhenTheHostHangsUp) {
  ::shutdown(agent_->fd(), SHUT_WR);
  const auto status = agent_->wait_for_exit();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->success()) << status->text();
}

TEST_F(AgentSession, EndsWhenTheHostDoesNotGreet) {
  agent_ = AgentClient::start_silent().value();
  agent_->send(0, FrameType::kPing);
  expect_refusal();
}

TEST_F(AgentSession, RestsUntilItGoesOn) {
  const std::uint32_t command = agent_->shell("exec sleep 60");
  ASSERT_TRUE(agent_->wait([&] { return (*agent_)[command].started.has_value(); }));
  const std::uint32_t slow = agent_->shell("exec sleep 0.2");
  agent_->send(0, FrameType::kRest);
  ASSERT_TRUE(agent_->wait([&] { return agent_->rests(); }));
  EXPECT_FALSE(agent_->has_bytes_within(std::chrono::milliseconds(500)));
  EXPECT_FALSE((*agent_)[slow].exited);
  agent_->send(0, FrameType::kGoOn);
  EXPECT_EQ(agent_->finish(slow).exited->code, 0);
  agent_->cancel(command);
  EXPECT_TRUE(agent_->finish(command).exited.has_value());
}

TEST_F(AgentSession, AnotherHostTakesOverWhileItRests) {
  const auto place = base::TempDir::create();
  const std::string& folder = place->path();
  wire::Exec request;
  request.argv = {"/bin/sh", "-c",
                  "while [ ! -e go ]; do echo tick; sleep 0.01; done; echo done >end"};
  request.workdir = folder;
  const std::uint32_t command = agent_->exec(request);
  ASSERT_TRUE(agent_->wait([&] { return !(*agent_)[command].out.empty(); }));
  EXPECT_TRUE(agent_->finish(agent_->repl(wire::Language::kPython, "x = 7")).done.has_value());
  agent_->send(0, FrameType::kRest);
  ASSERT_TRUE(agent_->wait([&] { return agent_->rests(); }));
  agent_->send(0, wire::Hello{.instance_id = "another"});
  ASSERT_TRUE(agent_->wait([&] { return agent_->hello()->instance_id == "another"; }));
  // Streams are numbered anew; the process that had a number goes on, unheard.
  EXPECT_EQ(agent_->finish(agent_->repl(wire::Language::kPython, "print(x)")).out, "7\n");
  ASSERT_TRUE(base::write_file_atomic(folder + "/go", "", 0600).has_value());
  EXPECT_EQ(agent_
                ->finish(agent_->shell("while [ ! -e " + folder +
                                       "/end ]; do sleep 0.01; done; cat " + folder + "/end"))
                .out,
            "done\n");
}

TEST_F(AgentSession, RestsNotInTheMiddleOfARun) {
  agent_->repl(wire::Language::kPython, "import time; time.sleep(60)");
  agent_->send(0, FrameType::kRest);
  expect_refusal();
}

TEST_F(AgentSession, RenewsInterpretersThatRunAndStartsNone) {
  const auto renew = [&] {
    const std::uint32_t stream = agent_->new_stream();
    agent_->send(stream, FrameType::kRenew);
    return agent_->finish(stream).plain_done;
  };
  EXPECT_TRUE(renew());
  const auto run = [&](const std::string& code) {
    return agent_->finish(agent_->repl(wire::Language::kPython, code)).out;
  };
  EXPECT_EQ(run("import random; random.seed(1); x = random.getstate(); x == random.getstate()"),
            "True\n");
  EXPECT_TRUE(renew());
  EXPECT_EQ(run("x == random.getstate()"), "False\n");
}

TEST_F(AgentSession, EndsOnGarbage) {
  agent_->send_raw(std::vector<std::byte>(100, std::byte{0xff}));
  expect_refusal();
}

TEST_F(AgentSession, EndsOnAMalformedRequest) {
  agent_->send(7, FrameType::kExec, std::array<std::byte, 3>{});
  expect_refusal();
}

TEST_F(AgentSession, AdoptsSettingsOnce) {
  EXPECT_TRUE(adopt("WHO=first").plain_done);
  const Received& again = adopt("WHO=second");
  ASSERT_TRUE(again.failed);
  EXPECT_EQ(again.failed->code, ErrorCode::kConflict);
  EXPECT_TRUE(adopt("WHO=third", true).failed);
  EXPECT_EQ(agent_->finish(agent_->shell("echo $WHO")).out, "first\n");
}

TEST_F(AgentSession, RehearsesBeforeThat) {
  EXPECT_TRUE(adopt("WHO=nobody", true).plain_done);
  EXPECT_TRUE(agent_->finish(agent_->practise(wire::Language::kPython)).done);
  EXPECT_TRUE(adopt("WHO=nobody", true).plain_done);
  EXPECT_TRUE(adopt("WHO=tenant").plain_done);
  EXPECT_EQ(agent_->finish(agent_->shell("echo $WHO")).out, "tenant\n");
}

TEST_F(AgentSession, AdoptsNoSettingsOnceItHasRunACommand) {
  ASSERT_EQ(agent_->finish(agent_->shell("echo $WHO")).out, "\n");
  const Received& late = adopt("WHO=second");
  ASSERT_TRUE(late.failed);
  EXPECT_EQ(late.failed->code, ErrorCode::kConflict);
  EXPECT_EQ(agent_->finish(agent_->shell("echo $WHO")).out, "\n");
}

TEST_F(AgentSession, IsGreetedAgainWhileNobodyHasUsedIt) {
  agent_->send(0, wire::Hello{.instance_id = "clone"});
  ASSERT_TRUE(agent_->ping());
  EXPECT_EQ(agent_->hello()->instance_id, "clone");
  EXPECT_TRUE(adopt("WHO=clone").plain_done);
}

TEST_F(AgentSession, EndsWhenItIsGreetedAgainInUse) {
  ASSERT_EQ(agent_->finish(agent_->shell("echo used")).out, "used\n");
  agent_->send(0, wire::Hello{.instance_id = "clone"});
  expect_refusal();
}

TEST_F(AgentSession, SaysHowFullItsDiskIs) {
  const std::uint32_t stream = agent_->new_stream();
  agent_->send(stream, FrameType::kMeasure);
  const Received& received = agent_->finish(stream);
  ASSERT_TRUE(received.measured);
  EXPECT_GT(received.measured->disk_used_bytes, 0u);
}

TEST_F(AgentSession, SaysWhichLimitsARunHasMetToAHostThatCannotSee) {
  EXPECT_FALSE(agent_->finish(agent_->shell("true")).limits);
  agent_->send(
      0, wire::Configure{
             .env = {"PATH=/usr/bin:/bin"}, .workdir = "/", .user = {}, .counts_limits = true});
  for (const std::uint32_t stream :
       {agent_->shell("true"), agent_->repl(wire::Language::kPython, "1")}) {
    const Received& got = agent_->finish(stream);
    ASSERT_TRUE(got.limits);
    EXPECT_EQ(got.limits->oom_kills, 0u);
    EXPECT_GT(got.limits->disk_free_bytes, 0u);
    EXPECT_GT(got.limits->disk_free_inodes, 0u);
  }
}

TEST_F(AgentSession, EndsWhenAStreamIsOpenedTwice) {
  const std::uint32_t stream = agent_->shell("sleep 1000");
  agent_->send(stream, command({"true"}));
  expect_refusal();
}

TEST_F(AgentSession, EndsWhenTheHostOverdrawsItsCredit) {
  wire::Exec request = command({"sleep", "1000"});
  request.flags = wire::Exec::kStdin;
  const std::uint32_t stream = agent_->exec(request);
  const std::vector<std::byte> piece(wire::kMaxPayloadBytes);
  for (int i = 0; i < 6 && !agent_->hung_up(); ++i) {
    agent_->send(stream, FrameType::kData, piece);
  }
  expect_refusal();
}

TEST_F(AgentSession, RefusesARequestOfAnUnknownTypeAndGoesOn) {
  const std::uint32_t stream = agent_->new_stream();
  agent_->send(stream, static_cast<FrameType>(999), std::array<std::byte, 5>{});
  const Received& got = agent_->finish(stream);
  ASSERT_TRUE(got.failed);
  EXPECT_EQ(got.failed->code, ErrorCode::kUnsupported);
  EXPECT_TRUE(agent_->ping());
}

TEST_F(AgentSession, IgnoresUnknownFramesOfTheConnectionAndOfOpenStreams) {
  const std::uint32_t stream = agent_->shell("read x; echo end");
  agent_->send(0, static_cast<FrameType>(999));
  agent_->send(stream, static_cast<FrameType>(999));
  EXPECT_EQ(agent_->finish(stream).out, "end\n");
}

TEST_F(AgentSession, IgnoresFramesForAStreamThatHasEnded) {
  const std::uint32_t stream = agent_->shell("exit 0");
  agent_->finish(stream);
  agent_->cancel(stream);
  agent_->signal(stream, 15);
  agent_->end(stream);
  agent_->send(stream, wire::Credit{5});
  agent_->send(stream, wire::Resize{});
  agent_->send(stream, FrameType::kData, std::array<std::byte, 5>{});
  EXPECT_TRUE(agent_->ping());
  EXPECT_EQ((*agent_)[stream].order.back(), FrameType::kExited) << "and answers nothing to them";
}

TEST_F(AgentSession, RefusesMoreStreamsThanItsLimit) {
  std::vector<std::uint32_t> streams;
  for (std::size_t i = 0; i < kMaxStreams; ++i) {
    // Runs whose code never ends: the cheapest open streams.
    streams.push_back(agent_->new_stream());
    agent_->send(streams.back(), wire::Repl{});
  }
  const Received& refused = run("true");
  ASSERT_TRUE(refused.failed);
  EXPECT_EQ(refused.failed->code, ErrorCode::kResourceExhausted);
  agent_->cancel(streams.front());
  EXPECT_EQ(agent_->finish(streams.front()).done->status, wire::ReplDone::Status::kCancelled);
  EXPECT_TRUE(run("true").exited) << "room for one again";
}

TEST_F(AgentSession, WritesAFileWithItsFolders) {
  auto folder = base::TempDir::create();
  const std::string path = folder->path() + "/a/b/file";
  wire::WriteFile request = file(path, std::string("x\0y", 3));
  request.mode = 0750;
  ASSERT_TRUE(write(request).plain_done);
  EXPECT_EQ(base::read_file(path, 100).value(), std::string("x\0y", 3));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0750u);
}

TEST_F(AgentSession, GivesAFileToItsOwner) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root can give files away";
  }
  auto folder = base::TempDir::create();
  wire::WriteFile request = file(folder->path() + "/new/file", "x");
  request.mode = 04755;
  request.owner = "12345:678";
  ASSERT_TRUE(write(request).plain_done);
  for (const char* name : {"/new", "/new/file"}) {
    struct stat status{};
    ASSERT_EQ(::stat((folder->path() + name).c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 12345u);
    EXPECT_EQ(status.st_gid, 678u);
  }
  struct stat status{};
  ASSERT_EQ(::stat((folder->path() + "/new/file").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 04755u);
}

TEST_F(AgentSession, ReplacesAFileAndLeavesNothingBeside) {
  auto folder = base::TempDir::create();
  const std::string path = folder->path() + "/file";
  ASSERT_TRUE(write(file(path, "old")).plain_done);
  ASSERT_TRUE(write(file(path, "new")).plain_done);
  EXPECT_EQ(base::read_file(path, 100).value(), "new");
  EXPECT_EQ(run("ls -A " + folder->path()).out, "file\n");
}

TEST_F(AgentSession, WritesOverWhatIsTheSameKindOfFile) {
  auto folder = base::TempDir::create();
  const std::string path = folder->path() + "/file";
  ASSERT_TRUE(write(file(path, "the first")).plain_done);
  struct stat before{};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  const auto write_over = [&](const std::string& content) {
    wire::WriteFile request = file(path, content);
    request.in_place = true;
    EXPECT_TRUE(write(request).plain_done);
    EXPECT_EQ(base::read_file(path, 100).value(), content);
    struct stat now{};
    EXPECT_EQ(::lstat(path.c_str(), &now), 0);
    EXPECT_TRUE(S_ISREG(now.st_mode));
    EXPECT_EQ(now.st_mode & 07777, 0644u);
    return now.st_ino == before.st_ino;
  };
  EXPECT_TRUE(write_over("something longer"));
  EXPECT_TRUE(write_over("short"));
  // What else is there is not written to.
  const std::string other = folder->path() + "/other";
  ASSERT_EQ(::link(path.c_str(), other.c_str()), 0);
  EXPECT_FALSE(write_over("apart"));
  EXPECT_EQ(base::read_file(other, 100).value(), "short");
  ASSERT_EQ(::unlink(path.c_str()), 0);
  ASSERT_EQ(::symlink(other.c_str(), path.c_str()), 0);
  EXPECT_FALSE(write_over("not the target"));
  EXPECT_EQ(base::read_file(other, 100).value(), "short");
  ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
  write_over("readable");
  ASSERT_EQ(::unlink(path.c_str()), 0);
  ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  write_over("no pipe");
}

TEST_F(AgentSession, SaysWhyAFileCannotBeWritten) {
  auto folder = base::TempDir::create();
  const Received& onto_folder = write(file(folder->path(), "x"));
  ASSERT_TRUE(onto_folder.failed);
  EXPECT_EQ(onto_folder.failed->sys_errno, EISDIR);
  const Received& through_file = write(file("/etc/passwd/x", "x"));
  ASSERT_TRUE(through_file.failed);
  EXPECT_EQ(through_file.failed->sys_errno, ENOTDIR);
  for (const char* path : {"", "relative", "/ends/with/"}) {
    const Received& got = write(file(path, "x"));
    ASSERT_TRUE(got.failed) << path;
    EXPECT_EQ(got.failed->code, ErrorCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace msb::agent
