// SPDX-License-Identifier: Apache-2.0
//
// Small images: as documents and blobs in memory, or as an OCI layout in a folder.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "image/json.h"
#include "image/testing/tar_builder.h"

namespace msb::image::testing {

struct TestImage {
  std::string manifest;
  std::string config;
  std::map<std::string, std::string> blobs;  // "sha256:..." to content; the config and the layers
  std::string manifest_digest() const;
};

struct ImageRecipe {
  std::vector<std::string> layers;  // plain tars, lowest first
  Packing packing = Packing::kNone;
  // Changes to the documents before they are sealed: how a test makes them lie.
  void (*edit_config)(json::Value& config) = nullptr;
  void (*edit_manifest)(json::Value& manifest) = nullptr;
};

TestImage build_image(const ImageRecipe& recipe);
// One layer with /etc/name holding `name`, and the folders that a root file system has.
TestImage simple_image(const std::string& name);

// Writes `image` as an OCI layout into the existing `folder`, under `name` (none when empty).
void write_layout(const TestImage& image, const std::string& folder, const std::string& name);
// The same as a tar.
std::string layout_tar(const TestImage& image, const std::string& name);
// As `docker save` does: manifest.json, the config and the layers.
std::string docker_tar(const ImageRecipe& recipe, const std::vector<std::string>& names);

}  // namespace msb::image::testing
