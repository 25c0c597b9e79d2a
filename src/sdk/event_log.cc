// SPDX-License-Identifier: Apache-2.0
#include "sdk/event_log.h"

#include <array>
#include <span>
#include <string>

namespace msb::sdk {

void EventLog::debug(std::string_view message, std::initializer_list<LogField> fields) const {
  if (logger_) {
    logger_->debug(message, std::span(fields.begin(), fields.size()));
  }
}

void EventLog::info(std::string_view message, std::initializer_list<LogField> fields) const {
  if (logger_) {
    logger_->info(message, std::span(fields.begin(), fields.size()));
  }
}

void EventLog::error(std::string_view message, std::initializer_list<LogField> fields) const {
  if (logger_) {
    logger_->error(message, std::span(fields.begin(), fields.size()));
  }
}

Error EventLog::failed(std::string_view message, std::string_view sandbox, Error error) const {
  if (logger_) {
    const std::array fields = {LogField{"sandbox", std::string(sandbox)},
                               LogField{"error", error.message()}};
    logger_->error(message, fields);
  }
  return error;
}

}  // namespace msb::sdk
