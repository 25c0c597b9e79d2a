// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "isolation/oci/bundle.h"
#include "isolation/oci/complaints.h"
#include "isolation/oci/runtime.h"

namespace msb::isolation::oci {
namespace {

using ::testing::Contains;
using ::testing::Not;

TEST(OciRuntime, OneThatIsNotHereIsAnErrorThatSaysWhatWouldHelp) {
  Runtime runtime = find_runtime("crun");
  runtime.name = "no-such-runtime";
  const auto program = find_program(runtime);
  ASSERT_FALSE(program);
  EXPECT_TRUE(program.error().is(ErrorCode::kUnsupported));
  EXPECT_NE(program.error().message().find("apt-get install crun"), std::string::npos);
}

TEST(OciRuntime, ItsCommandLineKeepsItAwayFromCgroups) {
  const auto words = command_line(
      find_runtime("crun"),
      {.program = "/usr/bin/crun", .state_path = "/s", .bundle_path = "/b", .id = "id"});
  EXPECT_EQ(words, (std::vector<std::string>{"/usr/bin/crun", "--root", "/s",
                                             "--cgroup-manager=disabled", "run", "--no-new-keyring",
                                             "--preserve-fds", "1", "--bundle", "/b", "id"}));
}

TEST(OciRuntime, GvisorSharesFilesWithTheHostWhereThereAreVolumes) {
  Invocation invocation{
      .program = "/usr/bin/runsc", .state_path = "/s", .bundle_path = "/b", .id = "id"};
  const Runtime& runsc = find_runtime("runsc");
  EXPECT_THAT(command_line(runsc, invocation), Not(Contains("--file-access=shared")));
  invocation.has_volumes = true;
  EXPECT_THAT(command_line(runsc, invocation), Contains("--file-access=shared"));
}

TEST(OciBundle, SaysWhatAJailIs) {
  const auto config = nlohmann::json::parse(config_json({.root_path = "/tmp/root",
                                                         .hostname = "box",
                                                         .arguments = {"/.sandbox/agent"},
                                                         .range = {.base = 1000, .count = 65536},
                                                         .memory_bytes = 64 << 20}));
  const auto& process = config.at("process");
  EXPECT_EQ(process.at("args"), nlohmann::json({"/.sandbox/agent"}));
  EXPECT_EQ(process.at("noNewPrivileges"), true);
  EXPECT_EQ(process.at("capabilities").at("bounding").size(), 8u);
  EXPECT_FALSE(process.at("capabilities").contains("ambient"));
  const auto& system = config.at("linux");
  EXPECT_EQ(system.at("uidMappings"),
            nlohmann::json::array({{{"containerID", 0}, {"hostID", 1000}, {"size", 65536}}}));
  EXPECT_EQ(system.at("uidMappings"), system.at("gidMappings"));
  EXPECT_TRUE(system.at("maskedPaths").dump().contains("\"/proc/kcore\""));
  EXPECT_TRUE(system.at("maskedPaths").dump().contains("\"/proc/pressure\""));
  EXPECT_EQ(system.at("readonlyPaths"), nlohmann::json({"/proc/sys", "/proc/sysvipc"}));
  std::string namespaces;
  for (const auto& each : system.at("namespaces")) {
    namespaces += each.at("type").get<std::string>() + " ";
  }
  EXPECT_EQ(namespaces, "pid ipc uts mount user ");
}

TEST(OciComplaints, TheLastLineIsKeptAndIsPrintable) {
  const auto pipe = open_complaints();
  ASSERT_TRUE(pipe);
  EXPECT_EQ(read_complaint(pipe->ours), "");
  ASSERT_TRUE(base::write_all(pipe->theirs.get(), "first\nwhat it \x1b[31msaid\n\n"));
  EXPECT_EQ(read_complaint(pipe->ours), "what it ?[31msaid");
}

TEST(OciComplaints, WhoSaysTooMuchIsNotWaitedFor) {
  const auto pipe = open_complaints();
  ASSERT_TRUE(pipe);
  const std::string much(1 << 20, 'x');
  EXPECT_GT(::write(pipe->theirs.get(), much.data(), much.size()), 0);
  EXPECT_LT(::write(pipe->theirs.get(), much.data(), much.size()), 0);
  EXPECT_EQ(read_complaint(pipe->ours).size(), kMaxComplaintBytes);
}

}  // namespace
}  // namespace msb::isolation::oci
