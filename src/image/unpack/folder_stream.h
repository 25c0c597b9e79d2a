// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <dirent.h>
#include <fcntl.h>

#include <memory>
#include <string>

#include "base/sys.h"
#include "base/try.h"
#include "base/unique_fd.h"
#include "image/printable.h"

namespace msb::image::unpack {

struct CloseStream {
  void operator()(DIR* stream) const { ::closedir(stream); }
};
using FolderStream = std::unique_ptr<DIR, CloseStream>;

// Of a folder that `name` is itself: links are not followed.
inline Result<FolderStream> open_stream(int parent_fd, const std::string& name) {
  base::UniqueFd fd = TRY(base::sys::openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  FolderStream stream(::fdopendir(fd.get()));
  if (stream == nullptr) {
    return std::unexpected(base::sys::error("fdopendir", printable(name)));
  }
  static_cast<void>(fd.release());  // the stream closes it
  return stream;
}

}  // namespace msb::image::unpack
