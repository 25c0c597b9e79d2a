// SPDX-License-Identifier: Apache-2.0
//
// Every JSON document that comes from outside: manifests, configs, docker's config.json; and the
// header that asks for a login.
#include <cstdint>

#include "base/check.h"
#include "image/config.h"
#include "image/manifest.h"
#include "image/registry/challenge.h"
#include "image/registry/credentials.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace msb::image;
  // SAFETY: char may alias any object representation.
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto parsed = parse_manifest(text, "")) {
    if (const auto* manifest = std::get_if<Manifest>(&*parsed)) {
      MSB_CHECK(!manifest->layers.empty() && manifest->layers.size() <= kMaxLayers);
    } else {
      static_cast<void>(select_platform(std::get<Index>(*parsed)));
    }
  }
  if (const auto config = parse_config(text)) {
    MSB_CHECK(config->run.workdir.empty() || config->run.workdir.starts_with('/'));
    MSB_CHECK(config->diff_ids.size() <= kMaxLayers);
  }
  static_cast<void>(find_credentials(text, "docker.io"));
  static_cast<void>(find_credentials(text, "localhost:5000"));
  for (const Challenge& challenge : parse_challenges(text)) {
    MSB_CHECK(!challenge.scheme.empty());
  }
  return 0;
}
