// SPDX-License-Identifier: Apache-2.0
#include "sdk/sandbox_handle.h"

#include <utility>

#include "base/random.h"

namespace msb::sdk {
namespace {

constexpr std::size_t kNameDigits = 8;

}  // namespace

Result<std::string> random_name() {
  auto digits = base::random_id(kNameDigits);
  if (!digits) {
    return std::unexpected(std::move(digits).error().wrap(ErrorCode::kFailedToGenerateRandomName));
  }
  return "sandbox-" + *digits;
}

std::unexpected<Error> not_started(ErrorCode operation) {
  return std::unexpected(Error(ErrorCode::kSandboxNotStarted, {}).wrap(operation));
}

}  // namespace msb::sdk
