// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/try.h"

struct archive;

namespace msb::image::unpack {

// The next `size_bytes` of a descriptor, as libarchive's input. A layer may be a part of a larger
// file, and what follows is not its own. Fewer bytes than that are read as an end of file.
class BoundedInput {
 public:
  BoundedInput(int fd, std::uint64_t size_bytes);
  BoundedInput(const BoundedInput&) = delete;
  BoundedInput& operator=(const BoundedInput&) = delete;

  // For OpenArchive; the input must outlive the archive.
  int open(archive* handle);
  // Reads to the end.
  Result<> skip_rest();

 private:
  Result<std::size_t> fill();

  int fd_;
  std::uint64_t left_bytes_;
  std::vector<std::byte> buffer_;
};

}  // namespace msb::image::unpack
