// SPDX-License-Identifier: Apache-2.0
//
// Images made of sandboxes; those of machines have what runs in them, too (fork_test.cc). All under
// one name, of which the last one is left.
#include <chrono>
#include <string>
#include <thread>

#include "contract.h"

namespace msb::contract {
namespace {

constexpr const char* kImage = "contract-snapshot";

std::string as_root(Sandbox& sandbox, const std::string& script) {
  CommandOptions options;
  options.user = "0:0";
  const auto run = sandbox.command().run("sh", {"-c", script}, options);
  EXPECT_TRUE(run) << why(run);
  return run ? run->output() + run->error() : "?";
}

// A shell's way to say it. The stat of coreutils fails in gVisor's older versions, Python's does
// not.
std::string in_python(const std::string& script) {
  return "python3 - <<'END'\n" + script + "\nEND\n";
}

class Snapshot : public Started<PythonSandbox> {
 protected:
  std::string shell(const std::string& script) { return as_root(sandbox_, script); }

  std::string snapshot(const std::string& name = kImage) {
    const auto image = sandbox_.snapshot(name);
    EXPECT_TRUE(image) << why(image);
    return image.value_or("?");
  }
};

// What a script in another sandbox of that image says.
std::string shell_in(const std::string& image, const std::string& script) {
  Sandbox other;
  StartConfig config;
  config.image = image;
  const auto started = other.start(config);
  EXPECT_TRUE(started) << why(started);
  return started ? as_root(other, script) : "?";
}

TEST_F(Snapshot, HasWhatWasWrittenChangedAndRemoved) {
  shell(
      "mkdir -p /opt/tool && echo one >/opt/tool/file && chmod 4751 /opt/tool/file &&"
      " ln /opt/tool/file /opt/tool/same && ln -s file /opt/tool/link &&"
      " echo changed >/etc/motd && rm /etc/passwd- ; rm -rf /var/lib/dpkg /usr/share/doc;"
      " mkdir /usr/share/doc && echo new >/usr/share/doc/new; truncate -s 1G /opt/tool/sparse");
  out("x = 41");
  const std::string image = snapshot();
  EXPECT_NE(image.find(kImage), std::string::npos);
  const std::string look = in_python(R"(
import os
for name in ("/opt/tool/same", "/opt/tool/link", "/etc/motd"):
    print(open(name).read().strip())
file = os.lstat("/opt/tool/file")
print(oct(file.st_mode), file.st_nlink, file.st_uid)
print(os.listdir("/usr/share/doc"), os.path.exists("/var/lib/dpkg"))
print(os.stat("/opt/tool/sparse").st_size))");
  const std::string seen = shell(look);
  EXPECT_EQ(seen, "one\none\nchanged\n0o104751 2 0\n['new'] False\n1073741824");
  EXPECT_EQ(shell_in(image, look), seen);
  // The original goes on as if nothing had been.
  EXPECT_EQ(out("print(x)"), "41");
}

TEST_F(Snapshot, LaterWritesAreNotInIt) {
  shell("echo before >/file");
  const std::string image = snapshot();
  shell("echo after >/file; echo more >/more");
  EXPECT_EQ(shell_in(image, "cat /file; test -e /more || echo no more"), "before\nno more");
  EXPECT_EQ(shell_in(image, "echo theirs >/file"), "");
  EXPECT_EQ(shell("cat /file"), "after");
}

TEST_F(Snapshot, OwnersAreTheSameInAnother) {
  shell(
      "touch /file /dir 2>/dev/null; chown 1234:4321 /file; mkdir -m 0700 /private;"
      " echo secret >/private/file; chmod 000 /private/file; chown -R 99:99 /private");
  EXPECT_EQ(shell_in(snapshot(), in_python(R"(
import os
for name in ("/file", "/private", "/private/file"):
    status = os.stat(name)
    print(status.st_uid, status.st_gid, oct(status.st_mode & 0o777)))")),
            "1234 4321 0o644\n99 99 0o700\n99 99 0o0");
}

TEST_F(Snapshot, OfASnapshotIsOneToo) {
  shell("echo one >/one; echo two >/two");
  const std::string first = snapshot();
  PythonSandbox second;
  StartConfig config;
  config.image = first;
  const auto started = second.start(config);
  ASSERT_TRUE(started) << why(started);
  ASSERT_EQ(as_root(second, "rm /one; echo three >/three"), "");
  const auto image = second.snapshot(kImage);
  ASSERT_TRUE(image) << why(image);
  EXPECT_EQ(shell_in(*image, "cat /one 2>/dev/null; cat /two /three"), "two\nthree");
  EXPECT_EQ(shell_in(*image, "python3 -c 'print(6 * 7)'"), "42");
}

TEST_F(Snapshot, OfAPausedSandboxLeavesItPaused) {
  shell("echo one >/one");
  const auto paused = sandbox_.pause();
  if (!paused && paused.error().is(ErrorCode::kUnsupported)) {
    GTEST_SKIP() << why(paused);
  }
  ASSERT_TRUE(paused) << why(paused);
  if (usual_tier() == "microvm") {
    // What it was about to say cannot be told from what it has said.
    EXPECT_TRUE(sandbox_.snapshot(kImage).error().is(ErrorCode::kSandboxPaused));
    return;
  }
  const std::string image = snapshot();
  EXPECT_TRUE(sandbox_.metrics().all()->is_paused);
  EXPECT_EQ(shell_in(image, "cat /one"), "one");
  ASSERT_TRUE(sandbox_.resume());
  EXPECT_EQ(out("print(1)"), "1");
}

TEST_F(Snapshot, AStopDoesNotWaitForOne) {
  shell("head -c 300000000 /dev/zero >/large");
  Result<std::string> image = std::unexpected(Error(ErrorCode::kInternal, "did not run"));
  std::thread taker([&] { image = sandbox_.snapshot(kImage); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto stopped = sandbox_.stop();
  EXPECT_TRUE(stopped) << why(stopped);
  taker.join();
  // Whichever was first; on a server the stop may have been so early that nothing runs.
  EXPECT_TRUE(image || image.error().is(ErrorCode::kCancelled) ||
              image.error().is(ErrorCode::kSandboxNotStarted))
      << why(image);
  // Its files are free again.
  const auto started = sandbox_.start();
  ASSERT_TRUE(started) << why(started);
  EXPECT_EQ(out("print(1)"), "1");
}

TEST_F(Snapshot, SaysWhatIsWrong) {
  for (const char* name : {"", "Not A Name", "a@sha256:0"}) {
    const auto image = sandbox_.snapshot(name);
    ASSERT_FALSE(image) << name;
    EXPECT_TRUE(image.error().is(ErrorCode::kInvalidArgument)) << why(image);
  }
  PythonSandbox off;
  EXPECT_TRUE(off.snapshot(kImage).error().is(ErrorCode::kSandboxNotStarted));
  if (usual_tier() == "microvm") {
    return;  // a disk holds any file
  }
  shell("touch /.wh.file");
  const auto image = sandbox_.snapshot(kImage);
  ASSERT_FALSE(image);
  EXPECT_TRUE(image.error().is(ErrorCode::kUnsupported)) << why(image);
  EXPECT_NE(why(image).find(".wh.file"), std::string::npos) << why(image);
}

}  // namespace
}  // namespace msb::contract
