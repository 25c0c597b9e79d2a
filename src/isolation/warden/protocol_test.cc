// SPDX-License-Identifier: Apache-2.0
#include "isolation/warden/protocol.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <limits>

namespace msb::isolation::warden {
namespace {

CreateRequest good_request() {
  CreateRequest request;
  request.request = 7;
  request.tier = {.kind = Tier::Kind::kOci, .runtime = "crun"};
  request.id = "0123456789abcdef";
  request.name = "box";
  request.hostname = "box";
  request.layers = {"layers/sha256/aa", "layers/sha256/bb"};
  request.writable = "sandboxes/default/box";
  request.volumes = {{"/data", true}, {"/work", false}};
  request.volume_uid = 1000;
  request.volume_gid = 1000;
  return request;
}

std::string complaint(const CreateRequest& request) {
  const auto valid = validate(request, request.volumes.size());
  return valid ? "" : valid.error().message();
}

TEST(Protocol, CreateRequestSurvivesTheWire) {
  const CreateRequest sent = good_request();
  const auto received = decode_request(encode(Request(sent)));
  ASSERT_TRUE(received.has_value());
  const auto& request = std::get<CreateRequest>(*received);
  EXPECT_EQ(request.request, sent.request);
  EXPECT_EQ(request.tier, sent.tier);
  EXPECT_EQ(request.id, sent.id);
  EXPECT_EQ(request.layers, sent.layers);
  EXPECT_EQ(request.writable, sent.writable);
  EXPECT_EQ(request.limits.memory_bytes, sent.limits.memory_bytes);
  EXPECT_EQ(request.limits.cpus, sent.limits.cpus);
  ASSERT_EQ(request.volumes.size(), 2u);
  EXPECT_EQ(request.volumes[0].guest_path, "/data");
  EXPECT_TRUE(request.volumes[0].read_only);
  EXPECT_FALSE(request.volumes[1].read_only);
  EXPECT_EQ(request.volume_uid, 1000u);
}

TEST(Protocol, MachineSurvivesTheWire) {
  CreateRequest sent = good_request();
  sent.tier = {.kind = Tier::Kind::kMicrovm, .runtime = {}};
  sent.machine = MachineEntry{.image_digest = std::string(kImageDigestBytes, 'a'),
                              .begin = MachineSpec::Begin::kClone,
                              .template_folder = "machines/templates/t"};
  EXPECT_EQ(complaint(sent), "");
  const auto received = decode_request(encode(Request(sent)));
  ASSERT_TRUE(received.has_value());
  const auto& machine = std::get<CreateRequest>(*received).machine;
  ASSERT_TRUE(machine.has_value());
  EXPECT_EQ(machine->image_digest, sent.machine->image_digest);
  EXPECT_EQ(machine->begin, MachineSpec::Begin::kClone);
  EXPECT_EQ(machine->template_folder, "machines/templates/t");
}

TEST(Protocol, MachineIsWhatItsTierSays) {
  CreateRequest request = good_request();
  request.machine = MachineEntry{.image_digest = std::string(kImageDigestBytes, 'a'),
                                 .begin = MachineSpec::Begin::kBoot,
                                 .template_folder = {}};
  EXPECT_NE(complaint(request), "");
  request.tier = {.kind = Tier::Kind::kMicrovm, .runtime = {}};
  EXPECT_EQ(complaint(request), "");
  request.machine->image_digest = "../" + std::string(kImageDigestBytes - 3, 'a');
  EXPECT_NE(complaint(request), "");
  request.machine->image_digest = std::string(kImageDigestBytes, 'a');
  request.machine->begin = MachineSpec::Begin::kClone;
  for (const char* folder :
       {"", "machines/templates/../images", "machines/images/x", "sandboxes/a/b", "/etc"}) {
    request.machine->template_folder = folder;
    EXPECT_NE(complaint(request), "") << folder;
  }
  request.machine.reset();
  EXPECT_NE(complaint(request), "");
}

TEST(Protocol, AdjustRequestSurvivesTheWire) {
  AdjustRequest sent{.request = 9, .id = "0123456789abcdef", .hostname = "tenant", .limits = {}};
  sent.limits.cpus = 0.25;
  const auto received = decode_request(encode(Request(sent)));
  ASSERT_TRUE(received.has_value());
  const auto& request = std::get<AdjustRequest>(*received);
  EXPECT_EQ(request.request, 9u);
  EXPECT_EQ(request.id, sent.id);
  EXPECT_EQ(request.hostname, "tenant");
  EXPECT_EQ(request.limits.cpus, 0.25);
  EXPECT_TRUE(validate(request));
}

TEST(Protocol, AdjustRequestsAreHeldToTheSameRules) {
  AdjustRequest request{.request = 9, .id = "0123456789abcdef", .hostname = "a/b", .limits = {}};
  EXPECT_FALSE(validate(request));
  request.hostname = "tenant";
  request.limits.memory_bytes = 1;
  EXPECT_FALSE(validate(request));
}

TEST(Protocol, FreezeRequestSurvivesTheWire) {
  for (const Motion motion : {Motion::kFrozen, Motion::kFree}) {
    const FreezeRequest sent{.request = 3, .id = "0123456789abcdef", .motion = motion};
    const auto received = decode_request(encode(Request(sent)));
    ASSERT_TRUE(received.has_value());
    const auto& request = std::get<FreezeRequest>(*received);
    EXPECT_EQ(request.request, 3u);
    EXPECT_EQ(request.id, sent.id);
    EXPECT_EQ(request.motion, motion);
  }
}

TEST(Protocol, ErrorsKeepTheirChainAndErrno) {
  Error error(ErrorCode::kPermissionDenied, "mount(overlay)", EACCES);
  error = std::move(error).wrap("mount root").wrap(ErrorCode::kFailedToStartSandbox);
  const std::string message = error.message();
  const auto received = decode_reply(encode(Reply(FailedReply{3, error})));
  ASSERT_TRUE(received.has_value());
  const auto& failed = std::get<FailedReply>(*received);
  EXPECT_EQ(failed.request, 3u);
  EXPECT_EQ(failed.error.message(), message);
  EXPECT_EQ(failed.error.sys_errno(), EACCES);
  EXPECT_EQ(failed.error.code(), ErrorCode::kFailedToStartSandbox);
  EXPECT_EQ(failed.error.cause(), ErrorCode::kPermissionDenied);
}

TEST(Protocol, RepliesSurviveTheWire) {
  const auto created =
      decode_reply(encode(Reply(CreatedReply{5, kMemoryStat | kWritableLayer, true, true, {"w"}})));
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ(std::get<CreatedReply>(*created).gauges, kMemoryStat | kWritableLayer);
  EXPECT_EQ(std::get<CreatedReply>(*created).weaknesses, std::vector<std::string>{"w"});
  SandboxExit end;
  end.id = "0123456789abcdef";
  end.cause = SandboxExit::Cause::kAgentKilled;
  end.code = 9;
  end.out_of_memory = true;
  const auto exited = decode_reply(encode(Reply(Exited{end})));
  ASSERT_TRUE(exited.has_value());
  EXPECT_EQ(std::get<Exited>(*exited).exit.code, 9);
  EXPECT_TRUE(std::get<Exited>(*exited).exit.out_of_memory);
}

TEST(Protocol, EveryCutMessageIsRefused) {
  const std::vector<std::byte> whole = encode(Request(good_request()));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(decode_request(std::span(whole).first(size)).has_value()) << size;
  }
}

TEST(Protocol, MoreThanAMessageIsRefused) {
  std::vector<std::byte> bytes = encode(Request(SweepRequest{1}));
  bytes.push_back(std::byte{0});
  const auto decoded = decode_request(bytes);
  ASSERT_FALSE(decoded.has_value());
  EXPECT_EQ(decoded.error().code(), ErrorCode::kCorrupt);
}

TEST(Protocol, CountsAreBounded) {
  CreateRequest request = good_request();
  request.layers.assign(kMaxLayers, "layers/x");
  request.volumes.assign(kMaxVolumes, {"/v", false});
  EXPECT_TRUE(decode_request(encode(Request(request))).has_value());
  request.layers.emplace_back("layers/x");
  EXPECT_FALSE(decode_request(encode(Request(request))).has_value());
  request.layers.pop_back();
  request.volumes.push_back({"/v", false});
  EXPECT_FALSE(decode_request(encode(Request(request))).has_value());
}

TEST(Protocol, TheLargestRequestFitsAMessage) {
  CreateRequest request = good_request();
  request.layers.assign(kMaxLayers, std::string(kMaxHomePathBytes, 'x'));
  request.volumes.assign(kMaxVolumes, {"/" + std::string(kMaxGuestPathBytes - 1, 'x'), false});
  EXPECT_LE(encode(Request(request)).size(), kMaxMessageBytes);
}

TEST(Protocol, ValidationNamesFieldValueAndRule) {
  EXPECT_EQ(complaint(good_request()), "");
  CreateRequest request = good_request();
  request.id = "../../etc";
  EXPECT_EQ(complaint(request), "id '../../etc': must be 16 hexadecimal digits");
  request = good_request();
  request.hostname = "a b";
  EXPECT_EQ(complaint(request), "hostname 'a b': must be 1 to 63 letters, digits, '-', '_' or '.'");
  request = good_request();
  request.layers = {};
  EXPECT_NE(complaint(request).find("layers"), std::string::npos);
  for (const char* path : {"", "/etc", "a/../b", "..", "a//b", "./a", "a/"}) {
    request = good_request();
    request.layers = {path};
    EXPECT_NE(complaint(request).find("beneath $MSB_HOME"), std::string::npos) << path;
  }
  for (const char* path : {"relative", "/", "/a/../b", "/a//b", "//"}) {
    request = good_request();
    request.volumes[0].guest_path = path;
    EXPECT_NE(complaint(request).find("absolute path"), std::string::npos) << path;
  }
  for (const char* path : {"/proc", "/proc/1", "/sys/fs", "/dev/shm"}) {
    request = good_request();
    request.volumes[0].guest_path = path;
    EXPECT_NE(complaint(request).find("belong to the sandbox"), std::string::npos) << path;
  }
  request = good_request();
  request.volumes[0].guest_path = "/process";
  EXPECT_EQ(complaint(request), "");
}

TEST(Protocol, ValidationBoundsTheLimits) {
  const auto with = [](auto change) {
    CreateRequest request = good_request();
    change(request.limits);
    return complaint(request);
  };
  EXPECT_NE(with([](Limits& l) { l.memory_bytes = 0; }).find("memory_bytes '0'"),
            std::string::npos);
  EXPECT_NE(with([](Limits& l) { l.memory_bytes = ~0ull; }).find("memory_bytes"),
            std::string::npos);
  EXPECT_NE(with([](Limits& l) { l.cpus = 0; }).find("cpus"), std::string::npos);
  EXPECT_NE(with([](Limits& l) { l.cpus = std::numeric_limits<double>::quiet_NaN(); }).find("cpus"),
            std::string::npos);
  EXPECT_NE(with([](Limits& l) { l.max_processes = 0; }).find("max_processes"), std::string::npos);
  EXPECT_NE(with([](Limits& l) { l.disk_bytes = 1; }).find("disk_bytes"), std::string::npos);
}

TEST(Protocol, EachVolumeNeedsItsDescriptor) {
  const CreateRequest request = good_request();
  const auto valid = validate(request, 1);
  ASSERT_FALSE(valid.has_value());
  EXPECT_EQ(valid.error().message(), "volumes '2': each needs one descriptor");
}

}  // namespace
}  // namespace msb::isolation::warden
