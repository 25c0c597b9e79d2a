// SPDX-License-Identifier: Apache-2.0
//
// The escape table on the weaker path: sandboxes of an ordinary user, without loop devices, mapped
// ids and cgroups of their own. The test must be root to become one; a child that is "nobody"
// keeps the engine and runs the programs, this process keeps the bait and judges.
#include <grp.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "attempts.h"
#include "base/bytes.h"
#include "base/child_process.h"
#include "base/file.h"
#include "base/sys.h"
#include "host_bait.h"
#include "msb/msb.h"

namespace msb::security {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;
using namespace std::chrono_literals;

constexpr uid_t kNobody = 65534;
constexpr std::size_t kMaxAnswerBytes = 1 << 20;

bool become_nobody() {
  return ::setgroups(0, nullptr) == 0 && ::setresgid(kNobody, kNobody, kNobody) == 0 &&
         ::setresuid(kNobody, kNobody, kNobody) == 0;
}

// Empty: an ordinary user may make sandboxes here.
std::string why_not() {
#if defined(__SANITIZE_THREAD__)
  return "ThreadSanitizer adds a thread, and only a process with one may enter a user namespace";
#endif
  if (::geteuid() != 0) {
    return "needs root, to become another user";
  }
  const pid_t child = ::fork();
  if (child == 0) {
    const std::string program = fs::read_symlink("/proc/self/exe").string();
    ::_exit(!become_nobody() || ::access(program.c_str(), X_OK) != 0 ? 1
            : ::unshare(CLONE_NEWUSER) != 0                          ? 2
                                                                     : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 0   ? ""
         : WEXITSTATUS(status) == 1 ? "the build folder is not open to other users"
                                    : "no user namespaces";
}

// An image with next to nothing in it: the programs are static, and come by a volume.
Result<> import_image(const std::string& home) {
  const std::string root = home + "/rootfs";
  for (const char* folder : {"/etc", "/tmp", "/root", "/run"}) {
    fs::create_directories(root + folder);
  }
  fs::permissions(root + "/tmp", static_cast<fs::perms>(01777));
  TRY(base::write_file_atomic(root + "/etc/passwd", "root:x:0:0::/root:/bin/sh\n"));
  base::ChildProcess tar =
      TRY(base::ChildProcess::spawn({.path = "/bin/tar",
                                     .argv = {"tar", "-C", root, "-cf", home + "/rootfs.tar", "."},
                                     .env = std::nullopt,
                                     .fds = {}}));
  if (!TRY(tar.wait()).success()) {
    return fail(ErrorCode::kIo, "tar failed");
  }
  ImageStore store = TRY(ImageStore::open());
  TRY(store.import(home + "/rootfs.tar", "attempts"));
  return {};
}

// What the child does with a request "program room".
std::string run(Sandbox& sandbox, const std::string& program, const HostBait& bait) {
  CommandOptions options;
  options.timeout = 60s;
  options.envs = bait.environment();
  const auto ran = sandbox.command().run("/attempts/" + program, {}, options);
  return ran ? std::to_string(ran->exit_code()) + "\n" + ran->output() : ran.error().message();
}

[[noreturn]] void serve(int socket, const HostBait& bait, const std::string& home) {
  ::setenv("MSB_HOME", home.c_str(), 1);
  const auto answer = [&](const std::string& text) {
    [[maybe_unused]] const auto sent = sys::send_message(socket, base::bytes_of(text), {});
  };
  if (!become_nobody()) {
    answer("cannot become nobody");
    ::_exit(1);
  }
  if (const auto imported = import_image(home); !imported) {
    answer(imported.error().message());
    ::_exit(1);
  }
  {
    Sandbox any;
    Sandbox sharing;
    StartConfig config;
    config.image = "attempts";
    config.volumes = {std::string(MSB_ATTEMPTS) + ":/attempts:ro"};
    Result<> started = any.start(config);
    config.volumes.push_back(bait.shared() + ":/shared");
    if (started) {
      started = sharing.start(config);
    }
    answer(started ? "ready" : started.error().message());
    while (started) {
      const auto message = sys::receive_message(socket, kMaxAnswerBytes);
      if (!message || message->bytes.empty()) {
        break;
      }
      std::string program;
      for (const std::byte byte : message->bytes) {
        program.push_back(static_cast<char>(byte));
      }
      const bool shares = program.front() == '+';
      answer(run(shares ? sharing : any, program.substr(1), bait));
    }
  }
  // Not exit(): what this process inherited (GoogleTest, the bait) is the parent's.
  ::_exit(0);
}

class Rootless {
 public:
  Rootless() : home_(*base::TempDir::create()) {
    fs::permissions(home_.path(), static_cast<fs::perms>(0700));
    [[maybe_unused]] const int given = ::chown(home_.path().c_str(), kNobody, kNobody);
    auto [ours, theirs] = *sys::socketpair(AF_UNIX, SOCK_SEQPACKET);
    child_ = ::fork();
    if (child_ == 0) {
      ours.reset();
      serve(theirs.get(), bait_, home_.path());
    }
    socket_ = std::move(ours);
    theirs.reset();
    ready_ = receive();
  }
  Rootless(const Rootless&) = delete;
  Rootless& operator=(const Rootless&) = delete;
  ~Rootless() {
    socket_.reset();
    ::waitpid(child_, nullptr, 0);
  }

  const std::string& ready() const { return ready_; }
  const HostBait& bait() const { return bait_; }

  std::string ask(const Attempt& attempt) {
    const std::string request =
        std::string(attempt.room == Room::kSharing ? "+" : "-") + attempt.program;
    [[maybe_unused]] const auto sent =
        sys::send_message(socket_.get(), base::bytes_of(request), {});
    return receive();
  }

 private:
  std::string receive() {
    const auto message = sys::receive_message(socket_.get(), kMaxAnswerBytes);
    std::string text;
    if (message) {
      for (const std::byte byte : message->bytes) {
        text.push_back(static_cast<char>(byte));
      }
    }
    return text;
  }

  HostBait bait_;
  base::TempDir home_;
  base::UniqueFd socket_;
  pid_t child_ = -1;
  std::string ready_;
};

class RootlessEscapes : public testing::TestWithParam<Attempt> {
 protected:
  static void SetUpTestSuite() {
    if (why_not().empty()) {
      rootless_ = std::make_unique<Rootless>();
    }
  }
  static void TearDownTestSuite() { rootless_.reset(); }
  void SetUp() override {
    if (!rootless_) {
      GTEST_SKIP() << why_not();
    }
    ASSERT_EQ(rootless_->ready(), "ready");
  }

  static inline std::unique_ptr<Rootless> rootless_;
};

TEST_P(RootlessEscapes, AreContained) {
  const Attempt& attempt = GetParam();
  record({attempt.program, "root", attempt.tries, attempt.promise, attempt.expected});
  const std::string answer = rootless_->ask(attempt);
  const std::string text = answer.substr(0, answer.find_last_not_of('\n') + 1);
  record_outcome(text.substr(text.find_last_of('\n') + 1));
  EXPECT_TRUE(answer.starts_with("0\n")) << answer;
  EXPECT_EQ(rootless_->bait().damage(), "");
}

INSTANTIATE_TEST_SUITE_P(Guest, RootlessEscapes,
                         testing::ValuesIn(attempts().begin(), attempts().end()),
                         [](const auto& row) { return std::string(row.param.program); });

}  // namespace
}  // namespace msb::security
