// SPDX-License-Identifier: Apache-2.0
//
// The first byte picks the HTTP status, the rest is the body of an answer; whatever it says, it is
// decoded as every kind of result.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "sdk/remote/http_client.h"
#include "sdk/remote/response.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace msb::sdk;
  if (size == 0) {
    return 0;
  }
  HttpReply reply;
  reply.status = data[0] == '2' ? 200 : 300 + data[0];
  // SAFETY: char and uint8_t alias.
  reply.body.assign(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto result = decode_reply(reply, "a");
  if (!result) {
    MSB_CHECK(!result.error().message().empty());
    return 0;
  }
  if (const auto code = decode_code(*result, "python", std::chrono::nanoseconds(0))) {
    MSB_CHECK(!code->execution.to_json().empty() && !code->execution.raw_json().empty());
  }
  if (const auto command = decode_command(*result, "x", {}, std::chrono::nanoseconds(0))) {
    MSB_CHECK(command->execution.signal() == 0 || command->execution.exit_code() > 128);
  }
  static_cast<void>(decode_metrics_list(*result));
  static_cast<void>(decode_details(*result));
  static_cast<void>(decode_log(*result));
  return 0;
}
