// SPDX-License-Identifier: Apache-2.0
//
// Which folders of the host a caller may mount: those beneath the roots that the operator has
// named, whatever symlinks are on the way. Without roots: none.
#pragma once

#include <string>
#include <vector>

#include "base/try.h"

namespace msb::server {

class VolumePolicy {
 public:
  // `roots` exist. Relative host paths of callers are taken beneath
  // `namespaces_folder`/<namespace>, which is a root as well if it is there.
  static Result<VolumePolicy> create(const std::vector<std::string>& roots,
                                     std::string namespaces_folder);

  // The same volumes with their host paths resolved: absolute and free of symlinks.
  // kPermissionDenied: outside of every root; that is also said of what does not exist.
  Result<std::vector<std::string>> resolve(const std::string& namespace_name,
                                           const std::vector<std::string>& volumes) const;

 private:
  explicit VolumePolicy(std::vector<std::string> roots, std::string namespaces_folder)
      : roots_(std::move(roots)), namespaces_folder_(std::move(namespaces_folder)) {}

  const std::vector<std::string> roots_;
  const std::string namespaces_folder_;
};

}  // namespace msb::server
