// SPDX-License-Identifier: Apache-2.0
#include "wire/messages.h"

#include <gtest/gtest.h>

namespace msb::wire {
namespace {

TEST(Messages, ExecSurvivesTheRoundTrip) {
  Exec sent;
  sent.argv = {"ls", "-la", ""};
  sent.env = {"A=b"};
  sent.workdir = "/work";
  sent.user = "1000:1000";
  sent.flags = Exec::kTerminal | Exec::kStdin;
  sent.rows = 50;
  sent.columns = 132;
  sent.timeout_ms = 1ull << 40;
  const Exec got = Exec::decode(sent.encode()).value();
  EXPECT_EQ(got.argv, sent.argv);
  EXPECT_EQ(got.env, sent.env);
  EXPECT_EQ(got.workdir, sent.workdir);
  EXPECT_EQ(got.user, sent.user);
  EXPECT_EQ(got.flags, sent.flags);
  EXPECT_EQ(got.rows, sent.rows);
  EXPECT_EQ(got.columns, sent.columns);
  EXPECT_EQ(got.timeout_ms, sent.timeout_ms);
}

TEST(Messages, AnExecWithoutAProgramIsRefused) {
  EXPECT_FALSE(Exec::decode(Exec{}.encode()));
  Exec empty_name;
  empty_name.argv = {""};
  EXPECT_FALSE(Exec::decode(empty_name.encode()));
}

TEST(Messages, UnknownEnumeratorsAreRefused) {
  auto bytes = ReplDone{}.encode();
  bytes[0] = std::byte{99};
  EXPECT_FALSE(ReplDone::decode(bytes));
  bytes = Repl{}.encode();
  bytes[0] = std::byte{0};
  EXPECT_FALSE(Repl::decode(bytes));
  bytes = Exited{}.encode();
  bytes[0] = std::byte{2};
  EXPECT_FALSE(Exited::decode(bytes));
}

TEST(Messages, AFailureWithAnEndlessTextArrivesShortened) {
  Failed sent;
  sent.code = ErrorCode::kIo;
  sent.sys_errno = 5;
  sent.text = std::string(100'000, 'x');
  const Failed got = Failed::decode(sent.encode()).value();
  EXPECT_EQ(got.code, ErrorCode::kIo);
  EXPECT_EQ(got.sys_errno, 5);
  EXPECT_EQ(got.text.size(), kMaxErrorTextBytes);
}

TEST(Messages, TheOthersSurviveTheRoundTripToo) {
  EXPECT_EQ(Hello::decode(Hello{1, "abc"}.encode()).value().instance_id, "abc");
  EXPECT_EQ(HelloReply::decode(HelloReply{1, "abc"}.encode()).value().instance_id, "abc");
  EXPECT_EQ(Configure::decode(Configure{{"A=b"}, "/w", "u", true}.encode()).value().workdir, "/w");
  const auto file = WriteFile::decode(WriteFile{"/x", 0755, "u", "text", true}.encode());
  EXPECT_EQ(file.value().content, "text");
  EXPECT_TRUE(file.value().in_place);
  const auto repl = Repl::decode(
      Repl{.language = Language::kNode, .timeout_ms = 5, .is_practice = true}.encode());
  EXPECT_EQ(repl.value().language, Language::kNode);
  EXPECT_TRUE(repl.value().is_practice);
  EXPECT_EQ(WarmRepl::decode(WarmRepl{Language::kNode}.encode()).value().language, Language::kNode);
  EXPECT_EQ(Signal::decode(Signal{15}.encode()).value().number, 15);
  EXPECT_FALSE(Signal::decode(Signal{65}.encode()));
  EXPECT_EQ(Resize::decode(Resize{3, 4}.encode()).value().columns, 4);
  EXPECT_EQ(Connect::decode(Connect{80}.encode()).value().port, 80);
  EXPECT_FALSE(Connect::decode(Connect{0}.encode()));
  EXPECT_EQ(Credit::decode(Credit{9}.encode()).value().size_bytes, 9U);
  EXPECT_EQ(Started::decode(Started{12}.encode()).value().pid, 12U);
  const Measured measured = Measured::decode(Measured{1, 2}.encode()).value();
  EXPECT_EQ(measured.memory_bytes, 1U);
  EXPECT_EQ(measured.disk_used_bytes, 2U);
  const LimitsMet met = LimitsMet::decode(LimitsMet{1, 2, 3, 4}.encode()).value();
  EXPECT_EQ(met.oom_kills, 1U);
  EXPECT_EQ(met.refused_forks, 2U);
  EXPECT_EQ(met.disk_free_bytes, 3U);
  EXPECT_EQ(met.disk_free_inodes, 4U);
  EXPECT_EQ(OutputCut::decode(OutputCut{12}.encode()).value().dropped_bytes, 12U);
}

}  // namespace
}  // namespace msb::wire
