// SPDX-License-Identifier: Apache-2.0
//
// The store's files beneath $MSB_HOME:
//
//   oci-layout, index.json    an OCI image layout: names and the manifests they mean
//   blobs/sha256/<hex>        manifests and configs (layers are not kept packed)
//   layers/sha256/<diff id>/  root/ as unpacked, layer.json; complete as soon as it is there
//   locks/                    index, image-<hex> (shared: in use), layer-<hex>, pull-<hex>
//   tmp/                      layer-<hex> and blob-<hex>.<hex> in the making, under the layer's
//   lock
#pragma once

#include <string>
#include <string_view>

#include "image/digest.h"

namespace msb::image {

class Home {
 public:
  explicit Home(std::string root) : root_(std::move(root)) {}

  // Makes the folders. kPermissionDenied when the home is somebody else's.
  Result<> prepare() const;

  const std::string& root() const { return root_; }
  std::string index() const { return root_ + "/index.json"; }
  std::string blobs() const { return root_ + "/blobs/sha256"; }
  std::string blob(const Digest& digest) const { return blobs() + "/" + hex(digest); }
  std::string layers() const { return root_ + "/layers/sha256"; }
  std::string layer(const Digest& diff_id) const { return layers() + "/" + hex(diff_id); }
  std::string tmp() const { return root_ + "/tmp"; }
  std::string layer_draft(const Digest& diff_id) const { return tmp() + "/layer-" + hex(diff_id); }
  // Under the lock of the layer; named by the blob too, as one layer may be packed in several ways.
  std::string blob_draft(const Digest& diff_id, const Digest& blob) const {
    return tmp() + "/blob-" + hex(diff_id) + "." + hex(blob);
  }
  std::string locks() const { return root_ + "/locks"; }
  std::string index_lock() const { return locks() + "/index"; }
  std::string image_lock(const Digest& manifest) const {
    return locks() + "/image-" + hex(manifest);
  }
  std::string layer_lock(const Digest& diff_id) const { return locks() + "/layer-" + hex(diff_id); }
  std::string pull_lock(std::string_view name) const {
    return locks() + "/pull-" + hex(Digest::of(name));
  }

 private:
  static std::string hex(const Digest& digest) { return std::string(digest.hex()); }
  std::string root_;
};

}  // namespace msb::image
