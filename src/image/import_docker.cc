// SPDX-License-Identifier: Apache-2.0
//
// manifest.json of a docker archive: [{"Config": FILE, "RepoTags": [NAME...], "Layers":
// [FILE...]}]. It has no manifest in the sense of a registry; one is made, the same for the same
// content.
#include "image/import.h"
#include "image/json.h"
#include "image/printable.h"
#include "image/reference.h"

namespace msb::image {
namespace {

constexpr std::size_t kMaxArchiveImages = 256;

json::Value descriptor(std::string_view type, const Digest& digest, std::uint64_t size_bytes) {
  json::Value value;
  value["mediaType"] = type;
  value["digest"] = digest.str();
  value["size"] = size_bytes;
  return value;
}

struct ArchivedImage {
  std::vector<std::string> names;
  ImageDocuments documents;
  std::vector<std::string> layer_files;
};

Result<ArchivedImage> parse_image(const ImportSource& source, const json::Value& entry) {
  const std::string config_file = TRY(json::string(entry, "Config"));
  std::vector<std::string> names = TRY(json::strings(entry, "RepoTags"));
  std::vector<std::string> layer_files = TRY(json::strings(entry, "Layers"));
  if (layer_files.size() > kMaxLayers) {
    return fail(ErrorCode::kCorrupt, "more than " + std::to_string(kMaxLayers) + " layers");
  }
  std::string config_text = TRY(source.read(config_file, kMaxConfigBytes));
  const ParsedConfig config = TRY(parse_config(config_text));
  if (config.diff_ids.size() != layer_files.size()) {
    return fail(ErrorCode::kCorrupt, "manifest.json and the image config disagree on the layers");
  }
  json::Value manifest;
  manifest["schemaVersion"] = 2;
  manifest["mediaType"] = media_type::kOciManifest;
  manifest["config"] =
      descriptor(media_type::kOciConfig, Digest::of(config_text), config_text.size());
  manifest["layers"] = json::Value::array();
  for (std::size_t i = 0; i < layer_files.size(); ++i) {
    const BlobSlice layer = TRY(source.open(layer_files[i]));
    manifest["layers"].push_back(
        descriptor(media_type::kOciLayer, config.diff_ids[i], layer.size_bytes));
  }
  ImageDocuments documents =
      TRY(ImageDocuments::parse(manifest.dump(), media_type::kOciManifest, std::move(config_text)));
  return ArchivedImage{std::move(names), std::move(documents), std::move(layer_files)};
}

}  // namespace

Result<std::vector<IncomingImage>> import_docker_archive(const SharedSource& source,
                                                         const std::string& manifest_json,
                                                         const std::string& name) {
  const json::Value entries = TRY(json::parse_list(manifest_json, "manifest.json"));
  if (entries.empty() || entries.size() > kMaxArchiveImages) {
    return fail(ErrorCode::kCorrupt, "manifest.json: it lists no images, or too many");
  }
  if (!name.empty() && entries.size() > 1) {
    return fail(ErrorCode::kInvalidArgument, "it holds " + std::to_string(entries.size()) +
                                                 " images, which cannot all be '" +
                                                 printable(name) + "'; leave the name out");
  }
  std::vector<IncomingImage> images;
  for (const json::Value& entry : entries) {
    const ArchivedImage image = TRY_WRAP(parse_image(*source, entry), "manifest.json");
    const std::vector<std::string> names =
        name.empty() ? image.names : std::vector<std::string>{name};
    if (names.empty()) {
      return fail(ErrorCode::kInvalidArgument, "the image has no name in there; give it one");
    }
    for (const std::string& each : names) {
      const Reference reference = TRY(Reference::parse(each));
      images.push_back(
          {reference.str(), image.documents,
           [source, files = image.layer_files](std::size_t layer, const std::stop_token&) {
             return source->open(files[layer]);
           }});
    }
  }
  return images;
}

}  // namespace msb::image
