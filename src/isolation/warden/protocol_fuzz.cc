// SPDX-License-Identifier: Apache-2.0
//
// Both directions of the warden's socket. What decodes must encode to what decodes to the same.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "isolation/warden/protocol.h"

using namespace msb::isolation;  // NOLINT: a program of one function

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto request = warden::decode_request(bytes)) {
    const auto again = warden::encode(*request);
    MSB_CHECK(again.size() == size);
    if (const auto* adjust = std::get_if<warden::AdjustRequest>(&*request)) {
      [[maybe_unused]] const auto valid = warden::validate(*adjust);
    }
    if (const auto* create = std::get_if<warden::CreateRequest>(&*request)) {
      [[maybe_unused]] const auto valid = warden::validate(*create, create->volumes.size());
    }
  }
  if (const auto reply = warden::decode_reply(bytes)) {
    MSB_CHECK(warden::decode_reply(warden::encode(*reply)).has_value());
  }
  return 0;
}
