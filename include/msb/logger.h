// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "msb/export.h"

namespace msb {

struct LogField {
  std::string_view key;
  std::string value;
};

// Where the SDK reports what it does. Implementations must be safe to call from several threads
// at once and must not block. Values of environment variables and keys are never logged.
class MSB_EXPORT Logger {
 public:
  virtual ~Logger() = default;
  virtual void debug(std::string_view message, std::span<const LogField> fields) = 0;
  virtual void info(std::string_view message, std::span<const LogField> fields) = 0;
  virtual void error(std::string_view message, std::span<const LogField> fields) = 0;
};

}  // namespace msb
