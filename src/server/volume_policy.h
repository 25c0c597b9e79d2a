// SPDX-License-Identifier: Apache-2.0
//
// Which folders of the host a caller may mount: those beneath the roots that the operator has
// named, whatever symlinks are on the way. Without roots: none. resolve() judges what a caller
// writes; open() what is mounted at last, since a guest that can write to one volume can put a
// symlink where the folder of another one was.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"

namespace msb::server {

class VolumePolicy {
 public:
  // `roots` exist. Relative host paths of callers are taken beneath
  // `namespaces_folder`/<namespace>, which is a root as well if it is there.
  static Result<std::shared_ptr<const VolumePolicy>> create(const std::vector<std::string>& roots,
                                                            std::string namespaces_folder);

  VolumePolicy(const VolumePolicy&) = delete;
  VolumePolicy& operator=(const VolumePolicy&) = delete;

  // What all volumes lie beneath, resolved: the roots, and the folder of the namespaces.
  std::vector<std::string> roots() const;

  // The same volumes with their host paths resolved: absolute and free of symlinks.
  // kPermissionDenied: outside of every root, there or not. kNotFound: beneath one, and not there.
  Result<std::vector<std::string>> resolve(const std::string& namespace_name,
                                           const std::vector<std::string>& volumes) const;

  // A resolved host path, opened (O_PATH) beneath its root without following any symlink.
  // kPermissionDenied as above.
  Result<base::UniqueFd> open(const std::string& namespace_name,
                              const std::string& host_path) const;

 private:
  struct Root {
    std::string path;  // resolved
    base::UniqueFd folder;
  };
  VolumePolicy(std::vector<Root> roots, std::string namespaces_folder)
      : roots_(std::move(roots)), namespaces_folder_(std::move(namespaces_folder)) {}
  static Result<Root> open_root(const std::string& path);
  // Of what relative host paths of a namespace are beneath; nothing if it is not there.
  std::optional<Root> own_root(const std::string& namespace_name) const;

  const std::vector<Root> roots_;
  const std::string namespaces_folder_;
};

}  // namespace msb::server
