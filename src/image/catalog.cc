// SPDX-License-Identifier: Apache-2.0
#include "image/catalog.h"

#include <algorithm>

#include "base/file.h"
#include "image/blobs.h"
#include "image/json.h"

namespace msb::image {
namespace {

constexpr std::size_t kMaxIndexBytes = 16u << 20;

Result<Manifest> parse_image(std::string_view text, std::string_view content_type) {
  auto parsed = TRY(parse_manifest(text, content_type));
  if (auto* manifest = std::get_if<Manifest>(&parsed)) {
    return std::move(*manifest);
  }
  return fail(ErrorCode::kCorrupt, "manifest: an index stands where an image must be");
}

}  // namespace

Result<ImageDocuments> ImageDocuments::parse(std::string manifest_text,
                                             std::string_view content_type,
                                             std::string config_text) {
  Manifest manifest = TRY(parse_image(manifest_text, content_type));
  if (const Digest digest = Digest::of(config_text); digest != manifest.config.digest) {
    return fail(ErrorCode::kCorrupt, "image config: its digest is " + digest.str() +
                                         ", the manifest promises " + manifest.config.digest.str());
  }
  ParsedConfig config = TRY(parse_config(config_text));
  if (config.diff_ids.size() != manifest.layers.size()) {
    return fail(ErrorCode::kCorrupt,
                "image config: it speaks of " + std::to_string(config.diff_ids.size()) +
                    " layers, the manifest of " + std::to_string(manifest.layers.size()));
  }
  return ImageDocuments{Digest::of(manifest_text), std::move(manifest_text), std::move(config_text),
                        std::move(manifest), std::move(config)};
}

Result<FileLock> Catalog::lock(FileLock::Mode mode) const {
  return FileLock::acquire(home_.index_lock(), mode);
}

Result<std::vector<NamedImage>> Catalog::read() const {
  std::vector<NamedImage> images;
  const auto content = base::read_file(home_.index(), kMaxIndexBytes);
  if (!content) {
    if (content.error().is(ErrorCode::kNotFound)) {
      return images;
    }
    return std::unexpected(content.error());
  }
  const auto parsed = TRY_WRAP(parse_manifest(*content, media_type::kOciIndex), home_.index());
  for (const Descriptor& entry : std::get<Index>(parsed).manifests) {
    images.push_back({entry.ref_name, entry.digest, entry.size_bytes, entry.media_type});
  }
  return images;
}

Result<> Catalog::write(const std::vector<NamedImage>& images) const {
  if (images.size() > kMaxIndexEntries) {
    return fail(ErrorCode::kResourceExhausted,
                "the store is full: " + std::to_string(kMaxIndexEntries) + " images");
  }
  json::Value document;
  document["schemaVersion"] = 2;
  document["mediaType"] = media_type::kOciIndex;
  document["manifests"] = json::Value::array();
  for (const NamedImage& image : images) {
    json::Value entry;
    entry["mediaType"] = image.media_type;
    entry["digest"] = image.manifest.str();
    entry["size"] = image.manifest_bytes;
    entry["annotations"]["org.opencontainers.image.ref.name"] = image.reference;
    document["manifests"].push_back(std::move(entry));
  }
  return base::write_file_atomic(home_.index(), document.dump(2), 0600);
}

Result<ImageDocuments> Catalog::documents(const NamedImage& image) const {
  std::string manifest_text = TRY(read_blob(home_, image.manifest, kMaxManifestBytes));
  const Manifest manifest = TRY(parse_image(manifest_text, image.media_type));
  std::string config_text = TRY(read_blob(home_, manifest.config.digest, kMaxConfigBytes));
  return ImageDocuments::parse(std::move(manifest_text), image.media_type, std::move(config_text));
}

Result<Lease> Catalog::lease(const Digest& manifest) const {
  FileLock lock = TRY(FileLock::acquire(home_.image_lock(manifest), FileLock::Mode::kShared));
  return std::move(lock).share();
}

Result<Lease> Catalog::prepare(const ImageDocuments& documents) const {
  const FileLock index = TRY(lock(FileLock::Mode::kShared));
  Lease held = TRY(lease(documents.manifest_digest));
  TRY(write_blob(home_, documents.manifest_digest, documents.manifest_text));
  TRY(write_blob(home_, documents.manifest.config.digest, documents.config_text));
  return held;
}

Result<> Catalog::set_name(const std::string& reference, const ImageDocuments& documents) const {
  const FileLock index = TRY(lock(FileLock::Mode::kExclusive));
  std::vector<NamedImage> images = TRY(read());
  std::erase_if(images, [&](const NamedImage& image) { return image.reference == reference; });
  const json::Value manifest = TRY(json::parse(documents.manifest_text, "manifest"));
  std::string type = TRY(json::string(manifest, "mediaType"));
  images.push_back({reference, documents.manifest_digest, documents.manifest_text.size(),
                    type.empty() ? std::string(media_type::kOciManifest) : std::move(type)});
  std::ranges::sort(images, {}, &NamedImage::reference);
  return write(images);
}

}  // namespace msb::image
