// SPDX-License-Identifier: Apache-2.0
#include "isolation/launcher/protocol.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

namespace msb::isolation::launcher {
namespace {

const Settings kSettings{.home = "/home/x/.microsandbox",
                         .warden_path = "/usr/libexec/msb/msb-warden",
                         .agent_path = "/usr/libexec/msb/msb-agent",
                         .unpack_path = "/usr/libexec/msb/msb-unpack",
                         .warden_rules = {"--isolation", "jail", "--volumes-beneath", "/projects"}};

StartRequest warden_request() {
  return {.program = kSettings.warden_path,
          .arguments = {"serve", kSettings.home, kSettings.agent_path, "0123456789abcdef"},
          .targets = {3}};
}

StartRequest extract_request() {
  return {.program = kSettings.unpack_path,
          .arguments = {"extract", "1000", "20"},
          .targets = {0, 3, 4}};
}

using Argv = std::vector<std::string>;

TEST(LauncherProtocol, AWardenGetsTheServersRulesWhateverTheRequestSays) {
  const auto spec = judge(warden_request(), kSettings);
  ASSERT_TRUE(spec.has_value()) << spec.error().message();
  EXPECT_EQ(spec->path, kSettings.warden_path);
  EXPECT_EQ(spec->argv,
            (Argv{"msb-warden", "serve", kSettings.home, kSettings.agent_path, "0123456789abcdef",
                  "--isolation", "jail", "--volumes-beneath", "/projects"}));
  ASSERT_TRUE(spec->env.has_value()) << "a server's environment must not reach a warden";
  EXPECT_TRUE(spec->env->empty());
}

TEST(LauncherProtocol, AnUnpackerGetsItsNumbers) {
  const auto spec = judge(extract_request(), kSettings);
  ASSERT_TRUE(spec.has_value()) << spec.error().message();
  EXPECT_EQ(spec->argv, (Argv{"msb-unpack", "extract", "1000", "20"}));
}

TEST(LauncherProtocol, APackerGetsItsNumbers) {
  StartRequest request{
      .program = kSettings.unpack_path, .arguments = {"pack", "1000", "20"}, .targets = {1, 3, 4}};
  const auto spec = judge(request, kSettings);
  ASSERT_TRUE(spec.has_value()) << spec.error().message();
  EXPECT_EQ(spec->argv, (Argv{"msb-unpack", "pack", "1000", "20"}));
  request.targets = {0, 3, 4};
  EXPECT_FALSE(judge(request, kSettings).has_value());
}

TEST(LauncherProtocol, NothingElseIsStarted) {
  const auto refused = [](StartRequest request, const std::function<void(StartRequest&)>& change) {
    change(request);
    const auto spec = judge(request, kSettings);
    return !spec && spec.error().is(ErrorCode::kPermissionDenied);
  };
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.program = "/bin/sh"; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.program = "msb-warden"; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.program = kSettings.agent_path; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.arguments.clear(); }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.arguments[0] = "probe"; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.arguments[1] = "/"; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.arguments[2] = "/bin/sh"; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.arguments[3] = "../../../x"; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) {
    r.arguments.insert(r.arguments.end(), {"--volumes-beneath", "/"});
  }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) {
    r.arguments.insert(r.arguments.end(), {"--isolation", "microvm"});
  }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.targets = {0}; }));
  EXPECT_TRUE(refused(warden_request(), [](auto& r) { r.targets = {3, 2}; }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.arguments[0] = "run"; }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.arguments[1] = "-1"; }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.arguments[1] = "1 2"; }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.arguments.pop_back(); }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.arguments.clear(); }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.targets = {3, 0, 4}; }));
  EXPECT_TRUE(refused(extract_request(), [](auto& r) { r.arguments = {"serve"}; }));
}

TEST(LauncherProtocol, MessagesSurviveTheWire) {
  const StartRequest sent = extract_request();
  const auto received = decode_request(encode(sent));
  ASSERT_TRUE(received.has_value());
  EXPECT_EQ(received->program, sent.program);
  EXPECT_EQ(received->arguments, sent.arguments);
  EXPECT_EQ(received->targets, sent.targets);
  const auto reply = decode_reply(encode(Reply(StartedReply{.pid = 7, .exec_errno = ENOENT})));
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(std::get<StartedReply>(*reply).pid, 7);
  EXPECT_EQ(std::get<StartedReply>(*reply).exec_errno, ENOENT);
}

TEST(LauncherProtocol, RefusesMoreThanItsLimits) {
  StartRequest many = extract_request();
  many.arguments.assign(kMaxArguments, "1");
  EXPECT_TRUE(decode_request(encode(many)).has_value());
  many.arguments.emplace_back("1");
  EXPECT_FALSE(decode_request(encode(many)).has_value());

  StartRequest wide = extract_request();
  wide.arguments = {std::string(kMaxArgumentBytes, '1')};
  EXPECT_TRUE(decode_request(encode(wide)).has_value());
  wide.arguments[0] += '1';
  EXPECT_FALSE(decode_request(encode(wide)).has_value());

  StartRequest deep = extract_request();
  deep.targets.assign(kMaxDescriptors, 5);
  EXPECT_TRUE(decode_request(encode(deep)).has_value());
  deep.targets.push_back(5);
  EXPECT_FALSE(decode_request(encode(deep)).has_value());
}

}  // namespace
}  // namespace msb::isolation::launcher
