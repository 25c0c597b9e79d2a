// SPDX-License-Identifier: Apache-2.0
//
// The SDK's log calls, with the texts that users of the microsandbox SDKs know. Nothing secret is
// given to a logger: no variables, no code, no input.
#pragma once

#include <initializer_list>
#include <memory>
#include <string_view>

#include "msb/error.h"
#include "msb/logger.h"

namespace msb::sdk {

class EventLog {
 public:
  explicit EventLog(std::shared_ptr<Logger> logger) : logger_(std::move(logger)) {}

  bool enabled() const { return logger_ != nullptr; }
  void debug(std::string_view message, std::initializer_list<LogField> fields) const;
  void info(std::string_view message, std::initializer_list<LogField> fields) const;
  void error(std::string_view message, std::initializer_list<LogField> fields) const;
  // Passes the error on, so that it can stand in a return statement.
  Error failed(std::string_view message, std::string_view sandbox, Error error) const;

 private:
  std::shared_ptr<Logger> logger_;
};

}  // namespace msb::sdk
