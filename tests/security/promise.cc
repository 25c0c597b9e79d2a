// SPDX-License-Identifier: Apache-2.0
#include "promise.h"

#include <gtest/gtest.h>

namespace msb::security {

const char* to_string(Promise promise) {
  switch (promise) {
    case Promise::kFiles:
      return "files";
    case Promise::kProcesses:
      return "processes";
    case Promise::kCapabilities:
      return "capabilities";
    case Promise::kKernel:
      return "kernel";
    case Promise::kLimits:
      return "limits";
    case Promise::kNetwork:
      return "network";
    case Promise::kEnd:
      return "end";
    case Promise::kHostMemory:
      return "host memory";
    case Promise::kIdentity:
      return "identity";
  }
  return "?";
}

void record(const Row& row) {
  testing::Test::RecordProperty("attempt", row.attempt);
  testing::Test::RecordProperty("as", row.as);
  testing::Test::RecordProperty("tries", row.tries);
  testing::Test::RecordProperty("promise", to_string(row.promise));
  testing::Test::RecordProperty("expected", row.expected);
}

void record_outcome(const std::string& outcome) {
  testing::Test::RecordProperty("outcome", outcome);
}

}  // namespace msb::security
