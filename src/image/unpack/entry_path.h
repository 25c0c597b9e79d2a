// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::image::unpack {

inline constexpr std::size_t kMaxPathBytes = 4096;
inline constexpr std::size_t kMaxPathDepth = 256;

// Where an archive's entry goes, beneath the root: "/usr//./bin/" is "usr/bin"; the root itself is
// empty. ".." is refused, as is what no file system can hold. kCorrupt quotes the name.
struct EntryPath {
  static Result<EntryPath> parse(std::string_view name);

  std::string parent;  // empty: the root
  std::string name;    // empty: this is the root itself
  std::string str() const { return parent.empty() ? name : parent + "/" + name; }
};

}  // namespace msb::image::unpack
