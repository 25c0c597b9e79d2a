// SPDX-License-Identifier: Apache-2.0
//
// index.json: which manifest a name means; and whether an image is in use.
//
// Names change only under the exclusive index lock, and by rename of the file. A lease is a shared
// lock on a file named by the manifest, taken under the (shared) index lock: who holds the index
// exclusively sees all leases, and none can be added meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/try.h"
#include "base/unique_fd.h"
#include "image/config.h"
#include "image/digest.h"
#include "image/file_lock.h"
#include "image/home.h"
#include "image/manifest.h"

namespace msb::image {

using Lease = std::shared_ptr<base::UniqueFd>;

struct NamedImage {
  std::string reference;
  Digest manifest;
  std::uint64_t manifest_bytes = 0;
  std::string media_type;
};

// The documents of an image, as stored or about to be.
struct ImageDocuments {
  Digest manifest_digest;
  std::string manifest_text;
  std::string config_text;
  Manifest manifest;
  ParsedConfig config;

  // Parses both and checks that they belong together. kCorrupt, kUnsupported.
  static Result<ImageDocuments> parse(std::string manifest_text, std::string_view content_type,
                                      std::string config_text);
};

class Catalog {
 public:
  explicit Catalog(Home home) : home_(std::move(home)) {}

  Result<FileLock> lock(FileLock::Mode mode) const;

  // These need the index lock, shared.
  Result<std::vector<NamedImage>> read() const;
  Result<ImageDocuments> documents(const NamedImage& image) const;
  Result<Lease> lease(const Digest& manifest) const;

  // Stores the documents, under a lease: they stay while the image's layers are being fetched.
  // Takes the index lock itself.
  Result<Lease> prepare(const ImageDocuments& documents) const;
  // Gives the image a name, replacing what had it. Takes the index lock itself.
  Result<> set_name(const std::string& reference, const ImageDocuments& documents) const;

  // Needs the index lock, exclusive.
  Result<> write(const std::vector<NamedImage>& images) const;

 private:
  Home home_;
};

}  // namespace msb::image
