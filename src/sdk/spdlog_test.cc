// SPDX-License-Identifier: Apache-2.0
#include "msb/adapters/spdlog.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>

#include <array>
#include <memory>
#include <sstream>

namespace msb {
namespace {

class SpdlogTest : public testing::Test {
 protected:
  SpdlogTest() {
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text_));
    logger->set_pattern("%l %v");
    logger->set_level(spdlog::level::info);
    logger_ = std::make_shared<SpdlogLogger>(std::move(logger));
  }

  std::ostringstream text_;
  std::shared_ptr<Logger> logger_;
};

TEST_F(SpdlogTest, FieldsFollowTheMessage) {
  const std::array fields{LogField{"sandbox", "a"}, LogField{"duration_ms", "21"}};
  logger_->info("sandbox started", fields);
  EXPECT_EQ(text_.str(), "info sandbox started sandbox=a duration_ms=21\n");
}

TEST_F(SpdlogTest, AValueCannotPretendToBeALine) {
  const std::array fields{LogField{"error", "no \"{}\"\nerror\x1B[0m"}, LogField{"empty", ""}};
  logger_->error("failed {}", fields);
  EXPECT_EQ(text_.str(), "error failed {} error=\"no \\\"{}\\\"\\nerror\\x1b[0m\" empty=\"\"\n");
}

TEST_F(SpdlogTest, LevelsAreTheLoggersOwn) {
  logger_->debug("unseen", {});
  EXPECT_EQ(text_.str(), "");
}

TEST(SpdlogLogger, WithoutALoggerItIsTheDefaultOne) {
  const SpdlogLogger logger;
  SUCCEED();
}

}  // namespace
}  // namespace msb
