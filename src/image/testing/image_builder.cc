// SPDX-License-Identifier: Apache-2.0
#include "image/testing/image_builder.h"

#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "image/digest.h"
#include "image/manifest.h"

namespace msb::image::testing {
namespace {

json::Value descriptor(std::string_view type, const std::string& content) {
  json::Value value;
  value["mediaType"] = type;
  value["digest"] = Digest::of(content).str();
  value["size"] = content.size();
  return value;
}

json::Value config_document(const ImageRecipe& recipe) {
  json::Value config;
  config["os"] = host_platform().os;
  config["architecture"] = host_platform().architecture;
  config["created"] = "2024-05-06T07:08:09Z";
  config["config"]["Env"] = json::Value::array({"PATH=/bin", "A=b"});
  config["config"]["Cmd"] = json::Value::array({"/bin/sh"});
  config["rootfs"]["type"] = "layers";
  config["rootfs"]["diff_ids"] = json::Value::array();
  for (const std::string& layer : recipe.layers) {
    config["rootfs"]["diff_ids"].push_back(Digest::of(layer).str());
  }
  if (recipe.edit_config != nullptr) {
    recipe.edit_config(config);
  }
  return config;
}

std::string index_of(const TestImage& image, const std::string& name) {
  json::Value entry = descriptor(media_type::kOciManifest, image.manifest);
  if (!name.empty()) {
    entry["annotations"]["org.opencontainers.image.ref.name"] = name;
  }
  json::Value index;
  index["schemaVersion"] = 2;
  index["manifests"] = json::Value::array({entry});
  return index.dump();
}

void write(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  MSB_CHECK(file.good());
}

}  // namespace

std::string TestImage::manifest_digest() const {
  return Digest::of(manifest).str();
}

TestImage build_image(const ImageRecipe& recipe) {
  static constexpr std::string_view kSuffixes[] = {"", "+gzip", "+zstd"};
  TestImage image;
  image.config = config_document(recipe).dump();
  image.blobs[Digest::of(image.config).str()] = image.config;
  json::Value manifest;
  manifest["schemaVersion"] = 2;
  manifest["mediaType"] = media_type::kOciManifest;
  manifest["config"] = descriptor(media_type::kOciConfig, image.config);
  manifest["layers"] = json::Value::array();
  for (const std::string& layer : recipe.layers) {
    const std::string blob = packed(layer, recipe.packing);
    const std::string type = std::string(media_type::kOciLayer) +
                             std::string(kSuffixes[static_cast<std::size_t>(recipe.packing)]);
    manifest["layers"].push_back(descriptor(type, blob));
    image.blobs[Digest::of(blob).str()] = blob;
  }
  if (recipe.edit_manifest != nullptr) {
    recipe.edit_manifest(manifest);
  }
  image.manifest = manifest.dump();
  return image;
}

TestImage simple_image(const std::string& name) {
  ImageRecipe recipe;
  recipe.layers = {TarBuilder().folder("bin/").folder("etc/").file("etc/name", name).build()};
  recipe.packing = Packing::kGzip;
  return build_image(recipe);
}

void write_layout(const TestImage& image, const std::string& folder, const std::string& name) {
  std::filesystem::create_directories(folder + "/blobs/sha256");
  const auto write_blob = [&](const std::string& digest, const std::string& content) {
    write(folder + "/blobs/sha256/" + digest.substr(7), content);
  };
  for (const auto& [digest, content] : image.blobs) {
    write_blob(digest, content);
  }
  write_blob(image.manifest_digest(), image.manifest);
  write(folder + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  write(folder + "/index.json", index_of(image, name));
}

std::string layout_tar(const TestImage& image, const std::string& name) {
  TarBuilder tar;
  tar.file("oci-layout", R"({"imageLayoutVersion":"1.0.0"})");
  tar.file("index.json", index_of(image, name));
  for (const auto& [digest, content] : image.blobs) {
    tar.file("blobs/sha256/" + digest.substr(7), content);
  }
  tar.file("blobs/sha256/" + image.manifest_digest().substr(7), image.manifest);
  return tar.build();
}

std::string docker_tar(const ImageRecipe& recipe, const std::vector<std::string>& names) {
  const std::string config = config_document(recipe).dump();
  json::Value entry;
  entry["Config"] = "config.json";
  entry["RepoTags"] = names;
  entry["Layers"] = json::Value::array();
  TarBuilder tar;
  for (std::size_t i = 0; i < recipe.layers.size(); ++i) {
    const std::string name = std::to_string(i) + "/layer.tar";
    tar.folder(std::to_string(i) + "/").file(name, packed(recipe.layers[i], recipe.packing));
    entry["Layers"].push_back(name);
  }
  tar.file("config.json", config);
  tar.file("manifest.json", json::Value::array({entry}).dump());
  return tar.build();
}

}  // namespace msb::image::testing
