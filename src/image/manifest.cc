// SPDX-License-Identifier: Apache-2.0
#include "image/manifest.h"

#include <algorithm>
#include <array>

#include "image/json.h"
#include "image/printable.h"

namespace msb::image {
namespace {

using json::Value;

constexpr std::string_view kRefNameAnnotation = "org.opencontainers.image.ref.name";
constexpr std::string_view kDockerSchema1 = "application/vnd.docker.distribution.manifest.v1";

// Compression is told from the bytes, so only the family matters. "Foreign" and "nondistributable"
// layers are fetched like any other when the registry has them.
constexpr std::array<std::string_view, 4> kLayerFamilies = {
    media_type::kOciLayer,
    "application/vnd.oci.image.layer.nondistributable.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar",
    "application/vnd.docker.image.rootfs.foreign.diff.tar",
};

bool is_file_system(std::string_view type) {
  return std::ranges::any_of(kLayerFamilies, [type](std::string_view family) {
    if (!type.starts_with(family)) {
      return false;
    }
    const std::string_view rest = type.substr(family.size());
    return rest.empty() || rest == "+gzip" || rest == ".gzip" || rest == "+zstd" || rest == ".zstd";
  });
}

Result<Descriptor> parse_descriptor(const Value& value) {
  if (!value.is_object()) {
    return fail(ErrorCode::kCorrupt, "a descriptor is not an object");
  }
  const std::string digest_text = TRY(json::string(value, "digest"));
  Digest digest = TRY(Digest::parse(digest_text));
  Descriptor descriptor{{}, std::move(digest), 0, {}, {}};
  descriptor.media_type = TRY(json::string(value, "mediaType"));
  descriptor.size_bytes = TRY(json::number(value, "size"));
  if (const Value& platform = json::member(value, "platform"); platform.is_object()) {
    descriptor.platform = Platform{};
    descriptor.platform->os = TRY(json::string(platform, "os"));
    descriptor.platform->architecture = TRY(json::string(platform, "architecture"));
    descriptor.platform->variant = TRY(json::string(platform, "variant"));
  }
  const auto annotations = TRY(json::string_map(value, "annotations"));
  if (const auto found = annotations.find(std::string(kRefNameAnnotation));
      found != annotations.end()) {
    descriptor.ref_name = found->second;
  }
  return descriptor;
}

Result<std::vector<Descriptor>> parse_descriptors(const Value& list, std::string_view what,
                                                  std::size_t max_count) {
  if (!list.is_array()) {
    return fail(ErrorCode::kCorrupt, std::string(what) + " is not a list");
  }
  if (list.size() > max_count) {
    return fail(ErrorCode::kCorrupt,
                std::string(what) + " has more than " + std::to_string(max_count) + " entries");
  }
  std::vector<Descriptor> descriptors;
  for (const Value& element : list) {
    descriptors.push_back(TRY_WRAP(parse_descriptor(element), std::string(what)));
  }
  return descriptors;
}

Result<Manifest> parse_image_manifest(const Value& document) {
  Descriptor config = TRY_WRAP(parse_descriptor(json::member(document, "config")), "config");
  Manifest manifest{std::move(config), {}};
  manifest.layers = TRY(parse_descriptors(json::member(document, "layers"), "layers", kMaxLayers));
  for (const Descriptor& layer : manifest.layers) {
    if (!is_file_system(layer.media_type)) {
      return fail(ErrorCode::kUnsupported, "layer of type '" + printable(layer.media_type) +
                                               "': this is not an image that can be run");
    }
  }
  if (manifest.layers.empty()) {
    return fail(ErrorCode::kUnsupported, "the image has no layers: there is nothing to run");
  }
  return manifest;
}

}  // namespace

std::string Platform::str() const {
  const std::string text = printable(os) + "/" + printable(architecture);
  return variant.empty() ? text : text + "/" + printable(variant);
}

const Platform& host_platform() {
#if defined(__x86_64__)
  static const Platform kPlatform{"linux", "amd64", ""};
#elif defined(__aarch64__)
  static const Platform kPlatform{"linux", "arm64", ""};
#else
#error "name this architecture as registries do"
#endif
  return kPlatform;
}

Result<std::variant<Manifest, Index>> parse_manifest(std::string_view text,
                                                     std::string_view content_type) {
  const Value document = TRY(json::parse(text, "manifest"));
  const std::string own_type = TRY(json::string(document, "mediaType"));
  const std::string_view type = own_type.empty() ? content_type : std::string_view(own_type);
  if (type.starts_with(kDockerSchema1) || TRY(json::number(document, "schemaVersion")) == 1) {
    return fail(ErrorCode::kUnsupported,
                "manifest: docker schema 1 is not supported; push the image again with a current "
                "docker, podman or skopeo");
  }
  const bool lists_manifests = !json::member(document, "manifests").is_null();
  const bool lists_layers = !json::member(document, "layers").is_null();
  // A document that is both could be read as two different images by two readers of one digest.
  if (lists_manifests == lists_layers) {
    return fail(ErrorCode::kCorrupt, lists_layers ? "manifest: it has both 'layers' and 'manifests'"
                                                  : "manifest: neither 'layers' nor 'manifests'");
  }
  const bool named_index = type == media_type::kOciIndex || type == media_type::kDockerList;
  const bool named_manifest =
      type == media_type::kOciManifest || type == media_type::kDockerManifest;
  if ((named_index && lists_layers) || (named_manifest && lists_manifests)) {
    return fail(ErrorCode::kCorrupt,
                "manifest: its content is not what its type '" + printable(type) + "' says");
  }
  if (lists_manifests) {
    Index index;
    index.manifests = TRY_WRAP(
        parse_descriptors(json::member(document, "manifests"), "manifests", kMaxIndexEntries),
        "manifest");
    return index;
  }
  return TRY_WRAP(parse_image_manifest(document), "manifest");
}

Result<Descriptor> select_platform(const Index& index) {
  const Platform& host = host_platform();
  std::string offered;
  for (const Descriptor& entry : index.manifests) {
    if (!entry.platform ||
        (entry.platform->os == host.os && entry.platform->architecture == host.architecture)) {
      return entry;
    }
    // Attestations stand in an index as unknown/unknown.
    if (entry.platform->os != "unknown" && offered.size() < 300) {
      offered += (offered.empty() ? "" : ", ") + entry.platform->str();
    }
  }
  return fail(ErrorCode::kUnsupported, "the image is not there for " + host.str() + "; it is for " +
                                           (offered.empty() ? "no platform at all" : offered));
}

}  // namespace msb::image
