// SPDX-License-Identifier: Apache-2.0
#include "image/blobs.h"

#include <unistd.h>

#include "base/check.h"
#include "base/file.h"

namespace msb::image {

Result<std::string> read_blob(const Home& home, const Digest& digest, std::size_t max_bytes) {
  std::string content = TRY(base::read_file(home.blob(digest), max_bytes));
  if (Digest::of(content) != digest) {
    return fail(ErrorCode::kCorrupt, home.blob(digest) + " has been changed on disk");
  }
  return content;
}

Result<> write_blob(const Home& home, const Digest& digest, std::string_view content) {
  MSB_CHECK(Digest::of(content) == digest);
  if (read_blob(home, digest, content.size())) {
    return {};
  }
  return base::write_file_atomic(home.blob(digest), content, 0600);
}

}  // namespace msb::image
