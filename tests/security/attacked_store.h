// SPDX-License-Identifier: Apache-2.0
//
// An image store that is attacked, and what it must look like afterwards.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "base/file.h"
#include "image/digest.h"
#include "image/manifest.h"
#include "image/testing/image_builder.h"
#include "msb/image.h"

namespace msb::security {

class AttackedStore : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(path("outside"));
    std::filesystem::permissions(path("outside"), std::filesystem::perms::all);
    write("outside/canary", "untouched");
  }

  void TearDown() override {
    EXPECT_EQ(read(path("outside/canary")), "untouched");
    EXPECT_EQ(entries_of(path("outside")), "canary\n");
    // Layers belong to an identity of their own.
    for (const ImageInfo& image : store_.list().value_or(std::vector<ImageInfo>{})) {
      EXPECT_TRUE(store_.remove(image.reference));
    }
    EXPECT_TRUE(store_.prune());
  }

  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string home() const { return path("home"); }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  static std::string read(const std::string& file) {
    std::stringstream content;
    content << std::ifstream(file, std::ios::binary).rdbuf();
    return content.str();
  }

  static std::string entries_of(const std::string& folder) {
    std::string names;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      names += entry.path().filename().string() + "\n";
    }
    return names;
  }

  // The reason of a refusal, after which nothing may be there.
  template <typename T>
  std::string refusal(const Result<T>& result) {
    EXPECT_FALSE(result) << "it was accepted";
    for (const char* folder : {"/tmp", "/layers/sha256", "/blobs/sha256"}) {
      EXPECT_EQ(entries_of(home() + folder), "") << folder << " after a refusal";
    }
    EXPECT_TRUE(store_.list()->empty());
    return result ? "" : result.error().message();
  }

  // The reason why an archive is not imported.
  std::string refused(const std::string& archive) {
    return refusal(store_.import(write("archive", archive), "evil"));
  }

  // An image of one layer, given packed; its diff id is `diff_id`.
  static image::testing::TestImage image_of(const std::string& blob, const std::string& type,
                                            const std::string& diff_id) {
    namespace json = image::json;
    using image::Digest;
    json::Value config;
    config["os"] = image::host_platform().os;
    config["architecture"] = image::host_platform().architecture;
    config["rootfs"]["type"] = "layers";
    config["rootfs"]["diff_ids"] = json::Value::array({diff_id});
    image::testing::TestImage image;
    image.config = config.dump();
    image.blobs[Digest::of(image.config).str()] = image.config;
    image.blobs[Digest::of(blob).str()] = blob;
    json::Value layer;
    layer["mediaType"] = type;
    layer["digest"] = Digest::of(blob).str();
    layer["size"] = blob.size();
    json::Value manifest;
    manifest["schemaVersion"] = 2;
    manifest["mediaType"] = image::media_type::kOciManifest;
    manifest["config"]["mediaType"] = image::media_type::kOciConfig;
    manifest["config"]["digest"] = Digest::of(image.config).str();
    manifest["config"]["size"] = image.config.size();
    manifest["layers"] = json::Value::array({layer});
    image.manifest = manifest.dump();
    return image;
  }

  // A gibibyte of zeros in a few members or frames, each packed by itself.
  static std::string bomb(image::testing::Packing packing) {
    constexpr std::size_t kPieceBytes = 16u << 20;
    constexpr std::size_t kPieces = 64;
    image::testing::TarEntry header;
    header.name = "zeros";
    header.claimed_size = kPieceBytes * kPieces;
    const std::string zeros = packed(std::string(kPieceBytes, '\0'), packing);
    std::string bytes =
        packed(image::testing::TarBuilder().add(header).build().substr(0, 512), packing);
    for (std::size_t i = 0; i < kPieces; ++i) {
      bytes += zeros;
    }
    return bytes;
  }

  static constexpr const char* kSomeDigest =
      "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

  base::TempDir folder_ = base::TempDir::create().value();
  ImageStore store_ = ImageStore::open(home()).value();
};

}  // namespace msb::security
