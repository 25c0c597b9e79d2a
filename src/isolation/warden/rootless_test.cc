// SPDX-License-Identifier: Apache-2.0
//
// Sandboxes of an ordinary user. The test must be root to become one; what it then does, it does
// as "nobody", in a child.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <string>

#include "base/file.h"
#include "base/sys.h"
#include "isolation/testing/guest.h"

namespace msb::isolation::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;
#if defined(__SANITIZE_THREAD__)
constexpr const char* kNoUserNamespaces =
    "ThreadSanitizer adds a thread, and only a process with one may enter a user namespace";
#else
constexpr const char* kNoUserNamespaces = "no user namespaces";
#endif

// What `body` answers in a process of that user.
std::string as_nobody(const std::function<std::string()>& body) {
  base::sys::Pipe answer = *base::sys::pipe();
  const pid_t child = ::fork();
  if (child == 0) {
    if (::setgroups(0, nullptr) < 0 || ::setresgid(kNobody, kNobody, kNobody) < 0 ||
        ::setresuid(kNobody, kNobody, kNobody) < 0) {
      ::_exit(1);
    }
    [[maybe_unused]] const auto sent = base::write_all(answer.write_end.get(), body());
    ::_exit(0);
  }
  answer.write_end.reset();
  auto text = base::read_all(answer.read_end.get(), 64 * 1024);
  ::waitpid(child, nullptr, 0);
  return text ? *text : text.error().message();
}

class RootlessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "needs root, to become another user";
    }
    const std::string may = as_nobody([] {
      const std::string program = fs::read_symlink("/proc/self/exe").string();
      if (::access(program.c_str(), X_OK) != 0) {
        return std::string("the build folder is not open to other users");
      }
      return ::unshare(CLONE_NEWUSER) == 0 ? std::string() : std::string(kNoUserNamespaces);
    });
    if (!may.empty()) {
      GTEST_SKIP() << may;
    }
  }
};

TEST_F(RootlessTest, AnOrdinaryUserGetsASandbox) {
  const std::string seen = as_nobody([] {
    Host host;
    auto guest = host.start(host.spec());
    if (!guest) {
      return guest.error().message();
    }
    std::string text;
    for (const char* request :
         {"read /proc/self/status", "list /dev", "loopback 80", "write /data/new x", "fork 200",
          "stat /data/lower", "connect 127.0.0.1 22", "write /proc/sys/kernel/hostname x"}) {
      text += guest->ask(request) + "\n";
    }
    for (const std::string& weakness : guest->started.weaknesses) {
      text += "weak: " + weakness + "\n";
    }
    guest->started = {};
    return text + (host.warden().destroy(guest->id) ? "destroyed" : "not destroyed");
  });
  EXPECT_THAT(seen, HasSubstr("\nPid:\t1\n"));
  EXPECT_THAT(seen, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(seen, HasSubstr("CapBnd:\t00000000000004fb"));
  EXPECT_THAT(seen, HasSubstr("fd full null ptmx pts random shm stderr stdin stdout tty"));
  EXPECT_THAT(seen, HasSubstr("100644 0 0"));
  EXPECT_THAT(seen, HasSubstr("!ECONNREFUSED"));
  EXPECT_THAT(seen, HasSubstr("!EAGAIN"));
  EXPECT_THAT(seen, HasSubstr("weak: disk limit not enforced: loop devices need root"));
  EXPECT_THAT(seen, HasSubstr("destroyed"));
}

TEST_F(RootlessTest, ItsVolumesAreItsOwn) {
  const std::string seen = as_nobody([] {
    Host host;
    const std::string source = host.home() + "/volume";
    fs::create_directory(source);
    if (!base::write_file_atomic(source + "/file", "host\n")) {
      return std::string("cannot write");
    }
    SandboxSpec spec = host.spec();
    spec.volumes.push_back({*base::sys::open(source, O_PATH), "/rw", false});
    spec.volumes.push_back({*base::sys::open(source, O_PATH), "/ro", true});
    auto guest = host.start(std::move(spec));
    if (!guest) {
      return guest.error().message();
    }
    std::string text;
    for (const char* request : {"stat /rw/file", "write /rw/new made", "write /ro/file x"}) {
      text += guest->ask(request) + "|";
    }
    return text + base::read_file(source + "/new", 100).value_or("missing");
  });
  EXPECT_EQ(seen, "100644 0 0|4|!EROFS|made");
}

// Also the folder that overlayfs has made for itself, and lets nobody into, and what a guest did so
// with its own.
TEST_F(RootlessTest, ItsFilesCanBeRemoved) {
  const std::string seen = as_nobody([] {
    Host host;
    SandboxSpec spec = host.spec();
    const std::string writable = spec.writable_path;
    auto guest = host.start(std::move(spec));
    if (!guest) {
      return guest.error().message();
    }
    std::string text = guest->ask("write /data/new x") + "|";
    guest->started = {};
    if (const auto ended = host.warden().destroy(guest->id); !ended) {
      return ended.error().message();
    }
    struct stat status{};
    if (::stat((writable + "/work/work").c_str(), &status) < 0 || (status.st_mode & 0777) != 0 ||
        ::chmod((writable + "/upper/data").c_str(), 0) < 0) {
      return std::string("not as it was thought");
    }
    const auto removed = base::remove_tree(writable);
    text += removed ? "removed|" : removed.error().message() + "|";
    return text + (fs::exists(writable) ? "there" : "gone");
  });
  EXPECT_EQ(seen, "1|removed|gone");
}

}  // namespace
}  // namespace msb::isolation::testing
