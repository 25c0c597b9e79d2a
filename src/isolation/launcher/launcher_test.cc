// SPDX-License-Identifier: Apache-2.0
//
// A launcher at work, and the server's side of it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "base/locations.h"
#include "base/sys.h"
#include "isolation/launcher_client.h"
#include "isolation/testing/guest.h"

namespace msb::isolation::testing {
namespace {

namespace fs = std::filesystem;
namespace sys = base::sys;
using ::testing::HasSubstr;

class LauncherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto reason = cannot_make_sandboxes()) {
      GTEST_SKIP() << *reason;
    }
    fs::create_directories(home_.path() + "/tree/a/b");
    fs::create_directories(home_.path() + "/root");
    options_.launcher_path = base::find_program("msb-launcher", {}).value();
    options_.warden_path = base::find_program("msb-warden", {}).value();
    options_.agent_path = base::find_program("msb-agent", {}).value();
    options_.unpack_path = base::find_program("msb-unpack", {}).value();
    options_.home = home_.path();
    options_.tiers = {"jail", "oci:crun"};
    options_.volume_roots = {home_.path() + "/root"};
    launcher_ = LauncherClient::spawn(options_).value();
  }
  void TearDown() override { base::ChildProcess::spawn_through({}); }

  // msb-unpack, asked to empty a folder.
  Result<base::ChildProcess> remove(const std::string& program, int folder, int status) {
    return launcher_->start({.path = program,
                             .argv = {"msb-unpack", "remove"},
                             .env = std::vector<std::string>{},
                             .fds = {{folder, 3}, {status, 4}}});
  }

  base::TempDir home_ = base::TempDir::create().value();
  // As the confined server's: by way of the launcher. Null: it could not be.
  std::unique_ptr<WardenClient> start_warden() {
    base::ChildProcess::spawn_through(
        [this](const base::ChildSpec& spec) { return launcher_->start(spec); });
    auto warden = WardenClient::spawn({.warden_path = options_.warden_path,
                                       .agent_path = options_.agent_path,
                                       .home = home_.path(),
                                       .engine_id = random_id()},
                                      [](const SandboxExit&) {});
    EXPECT_TRUE(warden.has_value()) << warden.error().message();
    return std::move(warden).value_or(nullptr);
  }

  SandboxSpec spec_without_layers() const {
    SandboxSpec spec;
    spec.id = random_id();
    spec.name = "x";
    spec.hostname = "x";
    spec.layer_paths = {home_.path() + "/layers/none"};
    spec.writable_path = home_.path() + "/run/none";
    return spec;
  }

  LauncherOptions options_;
  std::shared_ptr<LauncherClient> launcher_;
};

TEST_F(LauncherTest, WhatItStartsIsTheServersChild) {
  const base::UniqueFd folder = sys::open(home_.path() + "/tree", O_RDONLY | O_DIRECTORY).value();
  sys::Pipe status = sys::pipe().value();
  auto child = remove(options_.unpack_path, folder.get(), status.write_end.get());
  ASSERT_TRUE(child.has_value()) << child.error().message();
  status.write_end.reset();
  const auto ended = child->wait();
  ASSERT_TRUE(ended.has_value()) << ended.error().message();
  EXPECT_THAT(base::read_all(status.read_end.get(), 4096).value(),
              ::testing::AnyOf(HasSubstr("ok"), HasSubstr("error")));
}

TEST_F(LauncherTest, OtherProgramsAreRefusedAndTheNextRequestIsServed) {
  const base::UniqueFd folder = sys::open(home_.path() + "/tree", O_RDONLY | O_DIRECTORY).value();
  const sys::Pipe status = sys::pipe().value();
  const auto refused = remove("/bin/sh", folder.get(), status.write_end.get());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kPermissionDenied);
  const auto started = remove(options_.unpack_path, folder.get(), status.write_end.get());
  EXPECT_TRUE(started.has_value());
}

TEST_F(LauncherTest, WithoutDescriptorsAStartFailsAloneAndLeavesNoZombie) {
  const base::UniqueFd folder = sys::open(home_.path() + "/tree", O_RDONLY | O_DIRECTORY).value();
  sys::Pipe status = sys::pipe().value();
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<base::UniqueFd> fillers;
  while (auto filler = sys::dup(folder.get())) {
    fillers.push_back(*std::move(filler));
  }
  const auto failed = remove(options_.unpack_path, folder.get(), status.write_end.get());
  ::setrlimit(RLIMIT_NOFILE, &before);
  fillers.clear();
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().message(), HasSubstr("RLIMIT_NOFILE"));
  status.write_end.reset();
  // Has ended, or nearly, and is nobody's until the next start. That is the only other child.
  ASSERT_TRUE(base::read_all(status.read_end.get(), 4096).has_value());
  siginfo_t info{};
  while (::waitid(P_ALL, 0, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  status = sys::pipe().value();
  auto started = remove(options_.unpack_path, folder.get(), status.write_end.get());
  ASSERT_TRUE(started.has_value()) << started.error().message();
  EXPECT_LT(::waitpid(info.si_pid, nullptr, WNOHANG), 0);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(LauncherTest, AWardenItStartsMountsWhatLiesBeneathARootAndNothingElse) {
  const auto warden = start_warden();
  ASSERT_NE(warden, nullptr);
  const auto complaint = [&](const std::string& path) {
    SandboxSpec spec = spec_without_layers();
    spec.volumes.push_back({sys::open(path, O_PATH).value(), "/v", false});
    return warden->create(std::move(spec)).error().message();
  };
  for (const char* path : {"/", "/etc", "/proc", "/sys/fs/cgroup"}) {
    EXPECT_EQ(complaint(path), "volume '/v': not beneath a volume root of this server") << path;
  }
  // As a control: this one gets as far as the layers, which there are none of.
  EXPECT_THAT(complaint(home_.path() + "/root"), HasSubstr("layers/none"));
}

TEST_F(LauncherTest, AWardenItStartsMakesTheTiersOfItsListAndNoOthers) {
  const auto warden = start_warden();
  ASSERT_NE(warden, nullptr);
  const auto failure = [&](const std::string& tier) {
    SandboxSpec spec = spec_without_layers();
    spec.tier = parse_tier(tier).value();
    if (spec.tier.is_machine()) {
      spec.machine.emplace().image_digest = std::string(64, '0');
    }
    return warden->create(std::move(spec)).error();
  };
  for (const char* tier : {"oci:runc", "oci:runsc", "microvm"}) {
    const Error refused = failure(tier);
    EXPECT_EQ(refused.code(), ErrorCode::kPermissionDenied) << tier;
    EXPECT_EQ(refused.message(),
              "isolation '" + std::string(tier) + "': is not allowed here; allowed: jail oci:crun");
  }
  // As a control: this one gets as far as the layers, which there are none of.
  EXPECT_THAT(failure("jail").message(), HasSubstr("layers/none"));
}

TEST_F(LauncherTest, ItsEndIsAnErrorThatSaysWhatToDo) {
  // The only process by that name that has this home.
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const auto line = base::read_file(entry.path().string() + "/cmdline", 64 * 1024);
    if (line && line->starts_with("msb-launcher") && line->contains(home_.path())) {
      ::kill(std::stoi(entry.path().filename().string()), SIGKILL);
    }
  }
  const base::UniqueFd folder = sys::open(home_.path(), O_RDONLY | O_DIRECTORY).value();
  const auto started = remove(options_.unpack_path, folder.get(), folder.get());
  ASSERT_FALSE(started.has_value());
  EXPECT_EQ(started.error().code(), ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace msb::isolation::testing
