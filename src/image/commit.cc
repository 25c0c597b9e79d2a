// SPDX-License-Identifier: Apache-2.0
#include "image/commit.h"

#include <array>
#include <ctime>
#include <utility>

#include "image/json.h"

namespace msb::image {
namespace {

// Of a sandbox, less than of an image.
constexpr std::size_t kMaxLayersToRun = 128;

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

}  // namespace

Result<ImageDocuments> with_layer(const ImageDocuments& base, const Digest& diff_id,
                                  std::uint64_t size_bytes) {
  if (base.manifest.layers.size() >= kMaxLayersToRun) {
    return fail(ErrorCode::kResourceExhausted, "the image has " +
                                                   std::to_string(base.manifest.layers.size()) +
                                                   " layers already, and a sandbox takes no more");
  }
  json::Value config = TRY(json::parse(base.config_text, "image config"));
  const std::string created = now_text();
  config["created"] = created;
  config["rootfs"]["diff_ids"].push_back(diff_id.str());
  if (json::Value& history = config["history"]; history.is_array()) {
    history.push_back({{"created", created}, {"created_by", "snapshot of a sandbox"}});
  } else {
    config.erase("history");
  }
  std::string config_text = config.dump();
  json::Value manifest = TRY(json::parse(base.manifest_text, "manifest"));
  manifest["config"]["digest"] = Digest::of(config_text).str();
  manifest["config"]["size"] = config_text.size();
  manifest["layers"].push_back(
      {{"mediaType", media_type::kOciLayer}, {"digest", diff_id.str()}, {"size", size_bytes}});
  manifest.erase("annotations");  // which were about the base
  return ImageDocuments::parse(manifest.dump(), {}, std::move(config_text));
}

}  // namespace msb::image
