// SPDX-License-Identifier: Apache-2.0
#include "image/unpack/entry_path.h"

#include <climits>

#include "image/printable.h"

namespace msb::image::unpack {

Result<EntryPath> EntryPath::parse(std::string_view name) {
  const auto refuse = [name](std::string_view why) {
    return fail(ErrorCode::kCorrupt, "entry '" + printable(name) + "': " + std::string(why));
  };
  if (name.size() > kMaxPathBytes) {
    return refuse("its path is longer than 4096 bytes");
  }
  EntryPath path;
  std::size_t depth = 0;
  std::string_view rest = name;
  while (!rest.empty()) {
    const std::size_t end = rest.find('/');
    const std::string_view component = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (component.empty() || component == ".") {
      continue;
    }
    if (component == "..") {
      return refuse("its path leads out of the layer");
    }
    if (component.size() > NAME_MAX) {
      return refuse("a name in its path is longer than 255 bytes");
    }
    if (component.find('\0') != std::string_view::npos) {
      return refuse("its path has a NUL in it");
    }
    if (++depth > kMaxPathDepth) {
      return refuse("its path is more than 256 folders deep");
    }
    if (!path.name.empty()) {
      path.parent = path.str();
    }
    path.name = component;
  }
  return path;
}

}  // namespace msb::image::unpack
