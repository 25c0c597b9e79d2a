// SPDX-License-Identifier: Apache-2.0
#include "isolation/microvm/qmp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "base/file.h"
#include "base/sys.h"

namespace msb::isolation::microvm {
namespace {

using ::testing::HasSubstr;
using Kind = QmpMessage::Kind;

TEST(Qmp, KindsAreTold) {
  EXPECT_EQ(parse_qmp(R"({"QMP": {"version": {}, "capabilities": []}})")->kind, Kind::kGreeting);
  EXPECT_EQ(parse_qmp(R"({"return": {"status": "paused"}})")->value.value("status", ""), "paused");
  EXPECT_EQ(parse_qmp(R"({"event": "STOP", "timestamp": {}})")->text, "STOP");
  const auto error = parse_qmp(R"({"error": {"class": "GenericError", "desc": "no such\nfile"}})");
  EXPECT_EQ(error->kind, Kind::kError);
  EXPECT_EQ(error->text, "no such?file");
}

TEST(Qmp, WhatIsNoMessageIsRefused) {
  for (const char* line : {"", "{", "[]", "1", "{}", R"({"event": 1})", R"({"error": "x"})"}) {
    EXPECT_TRUE(parse_qmp(line).error().is(ErrorCode::kCorrupt)) << line;
  }
}

TEST(Qmp, DeepNestingIsRefused) {
  const std::string deep =
      R"({"return": )" + std::string(10'000, '[') + std::string(10'000, ']') + "}";
  EXPECT_FALSE(parse_qmp(deep).has_value());
}

// QEMU, saying what it is told to.
class QmpClientTest : public ::testing::Test {
 protected:
  QmpClientTest() {
    auto sockets = base::sys::socketpair(AF_UNIX, SOCK_STREAM);
    ours_ = std::move(sockets->first);
    qemu_ = std::move(sockets->second);
  }
  void say(const std::string& text) { ASSERT_TRUE(base::write_all(qemu_.get(), text).has_value()); }
  Result<QmpClient> connect() {
    say("{\"QMP\": {}}\n{\"return\": {}}\n");
    return QmpClient::create(std::move(ours_), soon());
  }
  static QmpClient::Clock::time_point soon() {
    return QmpClient::Clock::now() + std::chrono::seconds(10);
  }

  base::UniqueFd ours_;
  base::UniqueFd qemu_;
};

TEST_F(QmpClientTest, EventsBeforeAnAnswerArePassedOver) {
  auto client = connect();
  ASSERT_TRUE(client.has_value());
  say("{\"event\": \"STOP\"}\n{\"return\": 7}\n");
  EXPECT_EQ(client->execute("stop", nlohmann::json::object(), soon())->get<int>(), 7);
}

TEST_F(QmpClientTest, RefusalSaysWhy) {
  auto client = connect();
  say("{\"error\": {\"desc\": \"not now\"}}\n");
  const auto answer = client->execute("cont", nlohmann::json::object(), soon());
  ASSERT_FALSE(answer.has_value());
  EXPECT_THAT(answer.error().message(), HasSubstr("cont: not now"));
}

TEST_F(QmpClientTest, EndlessLineIsRefused) {
  auto client = connect();
  std::thread qemu([this] {
    const std::string flood(kMaxQmpLineBytes * 2, ' ');
    [[maybe_unused]] const auto sent = base::write_all(qemu_.get(), flood);
  });
  const auto answer = client->execute("stop", nlohmann::json::object(), soon());
  qemu.join();
  ASSERT_FALSE(answer.has_value());
  EXPECT_TRUE(answer.error().is(ErrorCode::kCorrupt));
}

TEST_F(QmpClientTest, SilenceEndsAtTheDeadline) {
  auto client = connect();
  const auto answer = client->execute("stop", nlohmann::json::object(),
                                      QmpClient::Clock::now() + std::chrono::milliseconds(20));
  EXPECT_TRUE(answer.error().is(ErrorCode::kTimeout));
}

TEST_F(QmpClientTest, EndOfQemuIsToldApart) {
  auto client = connect();
  qemu_.reset();  // with a command of ours unread
  const auto open = client->drain();
  ASSERT_TRUE(open.has_value()) << open.error().message();
  EXPECT_FALSE(*open);
}

}  // namespace
}  // namespace msb::isolation::microvm
