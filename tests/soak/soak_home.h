// SPDX-License-Identifier: Apache-2.0
//
// A home of the soak's own: a small tmpfs, so that it can be filled, with the images of the user's
// home. Made in a mount namespace of the soak's own, so nothing of it outlives the soak.
#pragma once

#include <string>
#include <utility>

#include "base/file.h"
#include "base/try.h"

namespace msb::soak {

class SoakHome {
 public:
  // Once, before there is a second thread. kPermissionDenied: mounting needs root.
  static Result<SoakHome> create(const std::string& images_home);

  SoakHome(SoakHome&& other) noexcept
      : folder_(std::move(other.folder_)), path_(std::exchange(other.path_, {})) {}
  SoakHome& operator=(SoakHome&&) = delete;
  ~SoakHome();

  const std::string& path() const { return path_; }
  // Until nothing fits any more; and back.
  Result<> fill() const;
  void drain() const;

 private:
  SoakHome(base::TempDir folder, std::string path)
      : folder_(std::move(folder)), path_(std::move(path)) {}
  base::TempDir folder_;
  std::string path_;
};

}  // namespace msb::soak
