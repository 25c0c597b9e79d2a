// SPDX-License-Identifier: Apache-2.0
//
// Which volumes a warden mounts. A descriptor of a folder proves nothing about who may have the
// folder: with O_PATH anybody can open "/", and a volume's owner appears inside as the guest's own
// user. So the warden of a server, which was told the server's volume roots when it started, finds
// each volume again beneath one of them. The warden of a program's own engine has no roots: the
// program may do whatever its user may.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::isolation::warden {

class VolumeRoots {
 public:
  // nullopt: any file and folder. Roots are absolute, and none needs to exist yet.
  explicit VolumeRoots(std::optional<std::vector<std::string>> roots) : roots_(std::move(roots)) {}

  // `source` itself, or the same file opened anew beneath a root, on a way without symlinks.
  // kPermissionDenied: it is beneath none.
  Result<base::UniqueFd> admit(base::UniqueFd source) const;

 private:
  std::optional<std::vector<std::string>> roots_;
};

}  // namespace msb::isolation::warden
