// SPDX-License-Identifier: Apache-2.0
//
// Manifests and indexes, OCI and docker schema 2: what an image is made of, and which of several
// images is the one for this host.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/try.h"
#include "image/digest.h"

namespace msb::image {

inline constexpr std::size_t kMaxManifestBytes = 4u << 20;
inline constexpr std::size_t kMaxConfigBytes = 8u << 20;
inline constexpr std::size_t kMaxLayers = 256;
inline constexpr std::size_t kMaxIndexEntries = 4096;
// An index may stand in an index (one per platform); one that contains itself must end somewhere.
inline constexpr int kMaxIndexDepth = 4;

namespace media_type {
inline constexpr std::string_view kOciIndex = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view kOciManifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view kOciConfig = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view kOciLayer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view kDockerList =
    "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view kDockerManifest =
    "application/vnd.docker.distribution.manifest.v2+json";
}  // namespace media_type

struct Platform {
  std::string os;
  std::string architecture;
  std::string variant;
  std::string str() const;  // "linux/arm64/v8"
};
// linux on the architecture this was built for.
const Platform& host_platform();

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size_bytes = 0;
  std::optional<Platform> platform;
  std::string ref_name;  // annotation org.opencontainers.image.ref.name
};

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;  // lowest first
};

struct Index {
  std::vector<Descriptor> manifests;
};

// `content_type`: what the carrier said it is, or empty. kCorrupt, kUnsupported (schema 1, layers
// that are no file system).
Result<std::variant<Manifest, Index>> parse_manifest(std::string_view text,
                                                     std::string_view content_type);

// The entry for this host. kUnsupported lists what there is instead.
Result<Descriptor> select_platform(const Index& index);

}  // namespace msb::image
