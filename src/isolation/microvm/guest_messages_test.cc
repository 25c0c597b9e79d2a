// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/guest_messages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "isolation/warden/protocol.h"

namespace msb::isolation::microvm {
namespace {

Identity identity() {
  return {.nonce = 7,
          .realtime_ns = 1'700'000'000'000'000'000,
          .entropy = std::string(kEntropyBytes, 'e'),
          .hostname = "box",
          .boot_id = "00000000-0000-4000-8000-000000000000"};
}

Result<ToGuest> over_the_wire(const ToGuest& message) {
  wire::FrameReader reader;
  const auto bytes = encode(message);
  std::ranges::copy(bytes, reader.prepare(bytes.size()).begin());
  reader.commit(bytes.size());
  return decode_to_guest(**reader.next());
}

Result<FromGuest> over_the_wire(const FromGuest& message) {
  wire::FrameReader reader;
  const auto bytes = encode(message);
  std::ranges::copy(bytes, reader.prepare(bytes.size()).begin());
  reader.commit(bytes.size());
  return decode_from_guest(**reader.next());
}

TEST(GuestMessages, SetUpSurvivesTheWire) {
  const auto got = over_the_wire(
      ToGuest(microvm::SetUp{.identity = identity(),
                             .limits = {.memory_bytes = 1, .cpus = 0.5, .disk_bytes = 2},
                             .volumes = {}}));
  ASSERT_TRUE(got.has_value());
  const auto& set_up = std::get<microvm::SetUp>(*got);
  EXPECT_EQ(set_up.identity.nonce, 7u);
  EXPECT_EQ(set_up.identity.realtime_ns, 1'700'000'000'000'000'000);
  EXPECT_EQ(set_up.identity.hostname, "box");
  EXPECT_EQ(set_up.limits.cpus, 0.5);
  EXPECT_EQ(set_up.limits.disk_bytes, 2u);
}

TEST(GuestMessages, WakingSurvivesTheWire) {
  const auto got = over_the_wire(ToGuest(Woken{.realtime_ns = 1'700'000'000'000'000'000}));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(std::get<Woken>(*got).realtime_ns, 1'700'000'000'000'000'000);
}

TEST(GuestMessages, VolumesSurviveTheWire) {
  const std::vector<GuestVolume> volumes = {{"/data", true, true}, {"/etc/one", false, false}};
  const auto got = over_the_wire(ToGuest(Renew{.identity = identity(), .volumes = volumes}));
  ASSERT_TRUE(got.has_value());
  const auto& renew = std::get<Renew>(*got);
  ASSERT_EQ(renew.volumes.size(), 2u);
  EXPECT_EQ(renew.volumes[0].guest_path, "/data");
  EXPECT_TRUE(renew.volumes[0].read_only);
  EXPECT_EQ(renew.volumes[1].guest_path, "/etc/one");
  EXPECT_FALSE(renew.volumes[1].is_folder);
}

TEST(GuestMessages, MoreVolumesThanThereCanBeAreRefused) {
  const std::vector<GuestVolume> volumes(warden::kMaxVolumes + 1, {"/data", true, true});
  EXPECT_FALSE(over_the_wire(ToGuest(Renew{.identity = identity(), .volumes = volumes})));
}

TEST(GuestMessages, OrdersWithoutWordsSurviveTheWire) {
  EXPECT_TRUE(std::holds_alternative<Settle>(*over_the_wire(ToGuest(Settle{}))));
  EXPECT_TRUE(std::holds_alternative<Halt>(*over_the_wire(ToGuest(Halt{}))));
}

TEST(GuestMessages, AnswersSurviveTheWire) {
  EXPECT_TRUE(std::holds_alternative<Ready>(*over_the_wire(FromGuest(Ready{}))));
  EXPECT_TRUE(std::holds_alternative<Settled>(*over_the_wire(FromGuest(Settled{}))));
  EXPECT_EQ(std::get<Renewed>(*over_the_wire(FromGuest(Renewed{9}))).nonce, 9u);
  EXPECT_EQ(std::get<Failed>(*over_the_wire(FromGuest(Failed{"why"}))).text, "why");
  const auto ended = std::get<Ended>(
      *over_the_wire(FromGuest(Ended{.killed = true, .code = 9, .out_of_memory = true})));
  EXPECT_TRUE(ended.killed);
  EXPECT_EQ(ended.code, 9);
  EXPECT_TRUE(ended.out_of_memory);
}

TEST(GuestMessages, IdentityWithoutEnoughEntropyIsRefused) {
  Identity weak = identity();
  weak.entropy.pop_back();
  const auto got = over_the_wire(ToGuest(Renew{.identity = weak, .volumes = {}}));
  ASSERT_FALSE(got.has_value());
  EXPECT_TRUE(got.error().is(ErrorCode::kCorrupt));
}

TEST(GuestMessages, LongFailureIsCut) {
  const auto got = over_the_wire(FromGuest(Failed{std::string(kMaxFailureBytes + 1, 'x')}));
  EXPECT_EQ(std::get<Failed>(*got).text.size(), kMaxFailureBytes);
}

TEST(GuestMessages, UnknownTypeIsRefused) {
  EXPECT_FALSE(
      decode_from_guest({.stream = 0, .type = static_cast<wire::FrameType>(9), .payload = {}}));
  EXPECT_FALSE(
      decode_to_guest({.stream = 0, .type = static_cast<wire::FrameType>(40), .payload = {}}));
}

}  // namespace
}  // namespace msb::isolation::microvm
