// SPDX-License-Identifier: Apache-2.0
#include "image/home.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"
#include "base/sys.h"

namespace msb::image {
namespace {

constexpr std::string_view kLayoutMarker = R"({"imageLayoutVersion":"1.0.0"})";

}  // namespace

Result<> Home::prepare() const {
  if (::mkdir(root_.c_str(), 0700) < 0 && errno != EEXIST) {
    TRY(base::make_folders(root_, 0700));
  }
  const struct stat status = TRY(base::sys::stat(root_));
  if (status.st_uid != ::geteuid()) {
    return fail(ErrorCode::kPermissionDenied,
                root_ + " belongs to another user; choose a folder of your own with MSB_HOME");
  }
  for (const std::string& folder : {blobs(), layers(), tmp(), locks()}) {
    TRY(base::make_folders(folder, 0700));
  }
  const std::string marker = root_ + "/oci-layout";
  if (::access(marker.c_str(), F_OK) < 0) {
    TRY(base::write_file_atomic(marker, kLayoutMarker, 0600));
  }
  return {};
}

}  // namespace msb::image
