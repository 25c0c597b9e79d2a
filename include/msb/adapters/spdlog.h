// SPDX-License-Identifier: Apache-2.0
//
// What the SDK reports, passed on to a spdlog logger, one line a report:
//
//   msb::SandboxOptions options;
//   options.logger = std::make_shared<msb::SpdlogLogger>(spdlog::default_logger());
//
//   sandbox started sandbox=sandbox-1f2e3d4c duration_ms=21
//
// Not part of <msb/msb.h>: it needs spdlog, which nothing else of the SDK does. Header only.
#pragma once

#include <spdlog/spdlog.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "msb/logger.h"

namespace msb {

// As safe to share between threads as the logger is; make that one of an _mt sink.
class SpdlogLogger final : public Logger {
 public:
  // Null: spdlog's default logger, as it is now.
  explicit SpdlogLogger(std::shared_ptr<spdlog::logger> logger = nullptr)
      : logger_(logger ? std::move(logger) : spdlog::default_logger()) {}

  void debug(std::string_view message, std::span<const LogField> fields) override {
    pass_on(spdlog::level::debug, message, fields);
  }
  void info(std::string_view message, std::span<const LogField> fields) override {
    pass_on(spdlog::level::info, message, fields);
  }
  void error(std::string_view message, std::span<const LogField> fields) override {
    pass_on(spdlog::level::err, message, fields);
  }

 private:
  void pass_on(spdlog::level::level_enum level, std::string_view message,
               std::span<const LogField> fields) {
    if (!logger_ || !logger_->should_log(level)) {
      return;
    }
    std::string line(message);
    for (const LogField& field : fields) {
      line.append(" ").append(field.key).append("=");
      append_value(line, field.value);
    }
    logger_->log(level, spdlog::string_view_t(line.data(), line.size()));
  }

  // Quoted where a reader could take it for more than one value; a line stays a line.
  static void append_value(std::string& line, std::string_view value) {
    constexpr unsigned char kFirstPrintable = 0x20;
    bool plain = !value.empty();
    for (const char c : value) {
      plain = plain && static_cast<unsigned char>(c) > kFirstPrintable && c != '"' && c != '=' &&
              c != '\\' && c != '\x7F';
    }
    if (plain) {
      line += value;
      return;
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    line += '"';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        line.append("\\").append(1, c);
      } else if (c == '\n') {
        line += "\\n";
      } else if (byte < kFirstPrintable || c == '\x7F') {
        line.append("\\x").append(1, kDigits[byte >> 4U]).append(1, kDigits[byte & 0xFU]);
      } else {
        line += c;
      }
    }
    line += '"';
  }

  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace msb
