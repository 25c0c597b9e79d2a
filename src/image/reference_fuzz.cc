// SPDX-License-Identifier: Apache-2.0
//
// A reference that parses has a full form that means the same.
#include <cstdint>

#include "base/check.h"
#include "image/reference.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using msb::image::Reference;
  // SAFETY: char may alias any object representation.
  const auto parsed = Reference::parse({reinterpret_cast<const char*>(data), size});
  if (parsed) {
    const auto again = Reference::parse(parsed->str());
    MSB_CHECK(again && again->str() == parsed->str());
    MSB_CHECK(parsed->name().find("..") == std::string::npos);
  }
  return 0;
}
