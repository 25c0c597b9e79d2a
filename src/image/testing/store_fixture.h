// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "base/file.h"
#include "base/locations.h"
#include "image/store.h"

namespace msb::image::testing {

// A store in a new home, with the msb-unpack of this build.
class StoreFixture : public ::testing::Test {
 protected:
  void SetUp() override {
    auto unpack = base::find_program("msb-unpack");
    ASSERT_TRUE(unpack) << unpack.error().message();
    unpack_ = *unpack;
    store_ = open_store();
  }

  void TearDown() override {
    // Layers belong to an identity that only msb-unpack has, unless this is root.
    if (store_) {
      const auto images = store_->list();
      for (const Image& image : images.value_or(std::vector<Image>{})) {
        static_cast<void>(store_->remove(image.reference));
      }
      static_cast<void>(store_->prune());
    }
  }

  std::shared_ptr<Store> open_store() const {
    auto store = Store::open({home(), unpack_});
    EXPECT_TRUE(store) << store.error().message();
    return store.value_or(nullptr);
  }

  std::string home() const { return folder_.path() + "/home"; }
  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path(name), std::ios::binary) << content;
    return path(name);
  }

  static std::string read(const std::string& file) {
    std::stringstream content;
    content << std::ifstream(file, std::ios::binary).rdbuf();
    return content.str();
  }

  // The only image of an archive.
  Result<Image> import_one(const std::string& from, const std::string& name = "test") const {
    ImportOptions options;
    options.name = name;
    auto images = store_->import(from, options);
    if (!images) {
      return std::unexpected(images.error());
    }
    EXPECT_EQ(images->size(), 1u);
    return images->front();
  }

  base::TempDir folder_ = base::TempDir::create().value();
  std::string unpack_;
  std::shared_ptr<Store> store_;
};

}  // namespace msb::image::testing
