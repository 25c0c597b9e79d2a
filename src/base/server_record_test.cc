// SPDX-License-Identifier: Apache-2.0
#include "base/server_record.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sys.h"

namespace msb::base {
namespace {

ServerRecord sample() {
  return {.url = "https://[::1]:5555",
          .version = "1.2.3",
          .started_at = 1700000000,
          .needs_key = false,
          .certificate = "/etc/a certificate.pem",
          .log_file = "/home/x/server.log",
          .is_ending = false};
}

TEST(ServerRecord, ComesBackAsItWasWritten) {
  const std::string text = encode(4711, sample());
  EXPECT_TRUE(text.starts_with("4711\n"));
  const ServerRecord read = decode_server_record(text);
  EXPECT_EQ(read.url, sample().url);
  EXPECT_EQ(read.version, sample().version);
  EXPECT_EQ(read.started_at, sample().started_at);
  EXPECT_EQ(read.needs_key, sample().needs_key);
  EXPECT_EQ(read.certificate, sample().certificate);
  EXPECT_EQ(read.log_file, sample().log_file);
  EXPECT_FALSE(read.is_ending);
}

TEST(ServerRecord, HalfALineIsNotRead) {
  EXPECT_EQ(decode_server_record("1\nurl http://127.0.0.1:55").url, "");
  EXPECT_EQ(decode_server_record("1\nurl http://127.0.0.1:5555\n").url, "http://127.0.0.1:5555");
}

TEST(ServerRecord, ForeignLinesAreSkipped) {
  const ServerRecord read = decode_server_record("\n\n \nurl\nsince soon\ncolour red\nkeys none\n");
  EXPECT_EQ(read.url, "");
  EXPECT_EQ(read.started_at, 0);
  EXPECT_FALSE(read.needs_key);
}

TEST(ServerRecord, AValueCannotBringALineOfItsOwn) {
  ServerRecord written = sample();
  written.log_file = "/x\nurl http://evil";
  const ServerRecord read = decode_server_record(encode(1, written));
  EXPECT_EQ(read.url, sample().url);
  EXPECT_EQ(read.log_file, "");
}

// A claim that a child process holds from construction until end().
class OtherServer {
 public:
  enum class Phase { kStarting, kReachable };
  OtherServer(const std::string& home, Phase phase) {
    Pipe ready = *sys::pipe();
    go_ = *sys::pipe();
    pid_ = ::fork();
    if (pid_ == 0) {
      go_.write_end.reset();
      auto claim = ServerClaim::take(home);
      if (!claim || !*claim ||
          (phase == Phase::kReachable && !(*claim)->publish(sample()).has_value())) {
        ::_exit(1);
      }
      (void)write_all(ready.write_end.get(), "r");
      std::byte told[1];
      (void)read_exact(go_.read_end.get(), told);
      for (; told[0] != std::byte{'e'}; (void)read_exact(go_.read_end.get(), told)) {
        (void)(told[0] == std::byte{'p'} ? (*claim)->publish(sample()) : (*claim)->withdraw());
        (void)write_all(ready.write_end.get(), "r");
      }
      claim->reset();
      ::_exit(0);
    }
    go_.read_end.reset();
    ready.write_end.reset();
    done_ = std::move(ready.read_end);
    wait_until_done();
  }
  OtherServer(const OtherServer&) = delete;
  OtherServer& operator=(const OtherServer&) = delete;
  ~OtherServer() { end(SIGKILL); }

  pid_t pid() const { return pid_; }
  // 'p': publish, 'w': withdraw, 'e': end.
  void tell(char word) { EXPECT_TRUE(write_all(go_.write_end.get(), std::string(1, word))); }
  void wait_until_done() {
    std::byte byte[1];
    EXPECT_TRUE(read_exact(done_.get(), byte).value());
  }
  // 0: in order.
  void end(int signal_number) {
    if (pid_ > 0) {
      signal_number == 0 ? tell('e') : static_cast<void>(::kill(pid_, signal_number));
      ::waitpid(pid_, nullptr, 0);
      pid_ = 0;
    }
  }

 private:
  using Pipe = sys::Pipe;
  Pipe go_;
  UniqueFd done_;
  pid_t pid_ = 0;
};

class ServerClaims : public testing::Test {
 protected:
  TempDir home_ = *TempDir::create();
};

TEST_F(ServerClaims, AreForOneAtATime) {
  const OtherServer other(home_.path(), OtherServer::Phase::kReachable);
  EXPECT_FALSE(ServerClaim::take(home_.path()).value().has_value());
  const auto found = find_server(home_.path(), Starting::kWaitFor).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, other.pid());
  EXPECT_EQ(found->record.url, sample().url);
}

TEST_F(ServerClaims, LeaveNothingBehind) {
  OtherServer(home_.path(), OtherServer::Phase::kReachable).end(0);
  EXPECT_FALSE(find_server(home_.path(), Starting::kWaitFor).value());
  EXPECT_NE(::access((home_.path() + "/server.pid").c_str(), F_OK), 0);
}

TEST_F(ServerClaims, OfTheKilledAreStale) {
  OtherServer(home_.path(), OtherServer::Phase::kReachable).end(SIGKILL);
  const auto found = find_server(home_.path(), Starting::kWaitFor).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, 0);
  EXPECT_EQ(found->record.url, sample().url);
  EXPECT_TRUE(ServerClaim::take(home_.path()).value().has_value());
}

TEST_F(ServerClaims, AreSeenFromTheStart) {
  const OtherServer other(home_.path(), OtherServer::Phase::kStarting);
  const auto found = find_server(home_.path(), Starting::kShow).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid, other.pid());
  EXPECT_EQ(found->record.url, "");
}

TEST_F(ServerClaims, CanBeWaitedFor) {
  OtherServer other(home_.path(), OtherServer::Phase::kStarting);
  other.tell('p');
  const auto found = find_server(home_.path(), Starting::kWaitFor).value();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->record.url, sample().url);
}

TEST_F(ServerClaims, ThatEndAreWaitedFor) {
  OtherServer other(home_.path(), OtherServer::Phase::kReachable);
  other.tell('w');
  other.wait_until_done();
  EXPECT_TRUE(find_server(home_.path(), Starting::kShow).value()->record.is_ending);
  other.tell('e');
  EXPECT_TRUE(ServerClaim::take(home_.path()).value().has_value());
}

TEST_F(ServerClaims, ThatEndWhileStartingEndTheWait) {
  OtherServer(home_.path(), OtherServer::Phase::kStarting).end(SIGKILL);
  EXPECT_EQ(find_server(home_.path(), Starting::kWaitFor).value()->pid, 0);
}

}  // namespace
}  // namespace msb::base
