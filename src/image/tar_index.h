// SPDX-License-Identifier: Apache-2.0
//
// Where the files of an uncompressed tar lie: enough of ustar, GNU and PAX to read an image archive
// in place. Only headers are read. It knows nothing of owners, modes or sparse files, because
// nothing is extracted by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/try.h"

namespace msb::image {

class TarIndex {
 public:
  struct Place {
    std::uint64_t offset_bytes = 0;
    std::uint64_t size_bytes = 0;
  };

  // An archive with more files than any image has is indexed no further: it is a root file system.
  static constexpr std::size_t kMaxFiles = 20'000;

  // The file's headers, by pread. kCorrupt: it is no tar, or broken.
  static Result<TarIndex> read(int fd);

  // By name without "./"; links within the archive are followed.
  std::optional<Place> find(std::string_view name) const;
  bool contains(std::string_view name) const { return find(name).has_value(); }

 private:
  std::map<std::string, Place, std::less<>> files_;
  std::map<std::string, std::string, std::less<>> links_;
};

}  // namespace msb::image
