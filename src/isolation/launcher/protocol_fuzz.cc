// SPDX-License-Identifier: Apache-2.0
//
// Both directions of the launcher's socket, and its judgement: whatever it starts is one of two
// programs, at the path it was told.
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/check.h"
#include "isolation/launcher/protocol.h"

using namespace msb::isolation;  // NOLINT: a program of one function

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const launcher::Settings settings{.home = "/h",
                                           .warden_path = "/w",
                                           .agent_path = "/a",
                                           .unpack_path = "/u",
                                           .warden_rules = {"--volumes-beneath", "/v"}};
  const auto bytes = std::as_bytes(std::span(data, size));
  if (const auto request = launcher::decode_request(bytes)) {
    MSB_CHECK(launcher::encode(*request).size() == size);
    if (const auto spec = launcher::judge(*request, settings)) {
      MSB_CHECK(spec->path == "/w" || spec->path == "/u");
      MSB_CHECK(spec->env && spec->env->empty());
    }
  }
  if (const auto reply = launcher::decode_reply(bytes)) {
    MSB_CHECK(launcher::decode_reply(launcher::encode(*reply)).has_value());
  }
  return 0;
}
