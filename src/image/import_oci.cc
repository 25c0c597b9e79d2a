// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "image/import.h"
#include "image/printable.h"
#include "image/reference.h"

namespace msb::image {
namespace {

std::string blob_name(const Digest& digest) {
  return "blobs/sha256/" + std::string(digest.hex());
}

Result<std::string> read_checked(const ImportSource& source, const Digest& digest,
                                 std::size_t max_bytes) {
  std::string content = TRY(source.read(blob_name(digest), max_bytes));
  if (Digest::of(content) != digest) {
    return fail(ErrorCode::kCorrupt, "blob " + digest.str() + " is not what its name says");
  }
  return content;
}

// Follows indexes to the image for this host.
Result<ImageDocuments> read_image(const ImportSource& source, Descriptor descriptor) {
  for (int depth = 0; depth < kMaxIndexDepth; ++depth) {
    std::string text = TRY(read_checked(source, descriptor.digest, kMaxManifestBytes));
    auto parsed = TRY(parse_manifest(text, descriptor.media_type));
    if (const auto* manifest = std::get_if<Manifest>(&parsed)) {
      std::string config = TRY(read_checked(source, manifest->config.digest, kMaxConfigBytes));
      return ImageDocuments::parse(std::move(text), descriptor.media_type, std::move(config));
    }
    descriptor = TRY(select_platform(std::get<Index>(parsed)));
  }
  return fail(ErrorCode::kCorrupt, "indexes nested too deep");
}

bool is_for_this_host(const Descriptor& entry) {
  return !entry.platform || (entry.platform->os == host_platform().os &&
                             entry.platform->architecture == host_platform().architecture);
}

Result<std::string> name_of(const Descriptor& entry, const std::string& wanted) {
  const std::string& name = wanted.empty() ? entry.ref_name : wanted;
  if (name.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the image has no name in there; give it one");
  }
  const Reference reference = TRY(Reference::parse(name));
  return reference.str();
}

}  // namespace

Result<std::vector<IncomingImage>> import_oci_layout(const SharedSource& source,
                                                     const std::string& name) {
  const std::string text = TRY(source->read("index.json", kMaxManifestBytes));
  auto parsed = TRY_WRAP(parse_manifest(text, media_type::kOciIndex), "index.json");
  auto* index = std::get_if<Index>(&parsed);
  if (index == nullptr || index->manifests.empty()) {
    return fail(ErrorCode::kCorrupt, "index.json: it lists no images");
  }
  std::vector<Descriptor>& entries = index->manifests;
  if (std::ranges::any_of(entries, is_for_this_host)) {
    std::erase_if(entries, [](const Descriptor& entry) { return !is_for_this_host(entry); });
  }
  if (!name.empty() && entries.size() > 1) {
    return fail(ErrorCode::kInvalidArgument, "it holds " + std::to_string(entries.size()) +
                                                 " images, which cannot all be '" +
                                                 printable(name) + "'; leave the name out");
  }
  std::vector<IncomingImage> images;
  for (const Descriptor& entry : entries) {
    std::string reference = TRY(name_of(entry, name));
    ImageDocuments documents = TRY_WRAP(read_image(*source, entry), "image '" + reference + "'");
    const std::vector<Descriptor> layers = documents.manifest.layers;
    images.push_back({std::move(reference), std::move(documents),
                      [source, layers](std::size_t layer, const std::stop_token&) {
                        return source->open(blob_name(layers[layer].digest));
                      }});
  }
  return images;
}

}  // namespace msb::image
