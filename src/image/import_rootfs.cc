// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "base/sys.h"
#include "image/import.h"
#include "image/json.h"
#include "image/reference.h"

namespace msb::image {
namespace {

std::string manifest_of(const std::string& config_text, const Digest& layer,
                        std::uint64_t layer_bytes) {
  json::Value manifest;
  manifest["schemaVersion"] = 2;
  manifest["mediaType"] = media_type::kOciManifest;
  manifest["config"]["mediaType"] = media_type::kOciConfig;
  manifest["config"]["digest"] = Digest::of(config_text).str();
  manifest["config"]["size"] = config_text.size();
  json::Value entry;
  entry["mediaType"] = media_type::kOciLayer;
  entry["digest"] = layer.str();
  entry["size"] = layer_bytes;
  manifest["layers"] = json::Value::array({entry});
  return manifest.dump();
}

}  // namespace

Result<std::vector<IncomingImage>> import_rootfs(base::UniqueFd tar, const std::string& name) {
  if (name.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                "it is a root file system, which has no name of its own; give it one");
  }
  const Reference reference = TRY(Reference::parse(name));
  const struct stat status = TRY(base::sys::fstat(tar.get()));
  const auto size_bytes = static_cast<std::uint64_t>(status.st_size);
  const base::UniqueFd file = TRY(reopen(tar.get()));
  const Digest diff_id = TRY(digest_of_file(file.get()));
  std::string config_text = config_of_rootfs(diff_id);
  std::string manifest_text = manifest_of(config_text, diff_id, size_bytes);
  ImageDocuments documents = TRY(ImageDocuments::parse(
      std::move(manifest_text), media_type::kOciManifest, std::move(config_text)));
  const auto shared = std::make_shared<base::UniqueFd>(std::move(tar));
  std::vector<IncomingImage> images;
  images.push_back({reference.str(), std::move(documents),
                    [shared, size_bytes](std::size_t, const std::stop_token&) -> Result<BlobSlice> {
                      BlobSlice slice;
                      slice.file = TRY(reopen(shared->get()));
                      slice.size_bytes = size_bytes;
                      return slice;
                    }});
  return images;
}

}  // namespace msb::image
