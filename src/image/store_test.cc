// SPDX-License-Identifier: Apache-2.0
#include "image/store.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <filesystem>
#include <latch>
#include <thread>

#include "image/digest.h"
#include "image/testing/image_builder.h"
#include "image/testing/store_fixture.h"

namespace msb::image {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::TarBuilder;

class ImageStore : public testing::StoreFixture {
 protected:
  std::string layout(const testing::TestImage& image, const std::string& name) {
    const std::string folder = path("layout" + std::to_string(layouts_++));
    testing::write_layout(image, folder, name);
    return folder;
  }

  Result<Image> add(const std::string& name, const std::string& content) {
    return import_one(layout(testing::simple_image(content), name), "");
  }

  std::size_t count_in(const std::string& folder) const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(home() + folder), fs::directory_iterator()));
  }

  int layouts_ = 0;
};

TEST_F(ImageStore, FindsWhatWasImportedUnderEverySpelling) {
  const auto added = add("microsandbox/python", "p");
  ASSERT_TRUE(added) << added.error().message();
  for (const std::string& name :
       {std::string("microsandbox/python"), std::string("docker.io/microsandbox/python:latest"),
        "microsandbox/python@" + added->digest, added->digest}) {
    const auto found = store_->find(name);
    ASSERT_TRUE(found && *found) << name;
    EXPECT_EQ((*found)->reference, "docker.io/microsandbox/python:latest");
    EXPECT_EQ((*found)->digest, added->digest);
    EXPECT_EQ((*found)->config.env, (std::vector<std::string>{"PATH=/bin", "A=b"}));
    EXPECT_EQ((*found)->config.cmd, std::vector<std::string>{"/bin/sh"});
    EXPECT_EQ((*found)->created, "2024-05-06T07:08:09Z");
    EXPECT_EQ((*found)->size_bytes, 1u);
    EXPECT_EQ(read((*found)->layer_paths.at(0) + "/etc/name"), "p");
  }
  EXPECT_FALSE(store_->find("microsandbox/python:other")->has_value());
  EXPECT_EQ(store_->find("UPPER").error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(ImageStore, ANameCanMoveToAnotherImage) {
  ASSERT_TRUE(add("a", "one"));
  ASSERT_TRUE(add("a", "two"));
  EXPECT_EQ(read((*store_->find("a"))->layer_paths[0] + "/etc/name"), "two");
  EXPECT_EQ(store_->list()->size(), 1u);
  EXPECT_GT(store_->prune().value(), 0u);
  EXPECT_EQ(count_in("/layers/sha256"), 1u);
}

TEST_F(ImageStore, EveryFormatOfAnImageGivesTheSameFiles) {
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "lower").build(),
                   TarBuilder().file("b", "upper").build()};
  const auto image = testing::build_image(recipe);
  const std::string oci_tar = testing::layout_tar(image, "x");
  const std::string docker_tar = testing::docker_tar(recipe, {"x:latest"});
  for (const std::string& archive :
       {layout(image, "x"), write("oci.tar", oci_tar), write("docker.tar", docker_tar),
        write("oci.tar.gz", testing::packed(oci_tar, testing::Packing::kGzip)),
        write("docker.tar.zst", testing::packed(docker_tar, testing::Packing::kZstd))}) {
    auto imported = import_one(archive, "");
    ASSERT_TRUE(imported) << archive << ": " << imported.error().message();
    EXPECT_EQ(imported->reference, "docker.io/library/x:latest");
    ASSERT_EQ(imported->layer_paths.size(), 2u);
    EXPECT_EQ(read(imported->layer_paths[0] + "/a"), "lower");
    EXPECT_EQ(read(imported->layer_paths[1] + "/b"), "upper");
    imported->lease.reset();
    ASSERT_TRUE(store_->remove("x"));
    EXPECT_EQ(count_in("/layers/sha256"), 0u);
  }
}

TEST_F(ImageStore, ADockerArchiveMayHaveSeveralNamesAndPackedLayers) {
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  recipe.packing = testing::Packing::kGzip;
  const auto images =
      store_->import(write("d.tar", testing::docker_tar(recipe, {"a:1", "b/c:2"})), {});
  ASSERT_TRUE(images) << images.error().message();
  ASSERT_EQ(images->size(), 2u);
  EXPECT_EQ(images->at(0).reference, "docker.io/library/a:1");
  EXPECT_EQ(images->at(1).reference, "docker.io/b/c:2");
}

TEST_F(ImageStore, ARootFileSystemGetsAShellAndNeedsAName) {
  const std::string tar = write("rootfs.tar", TarBuilder().file("etc/hostname", "h").build());
  EXPECT_THAT(import_one(tar, "").error().message(), HasSubstr("give it one"));
  const auto image = import_one(tar, "mine:1");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->config.cmd, std::vector<std::string>{"/bin/sh"});
  EXPECT_THAT(image->config.env, ElementsAre(HasSubstr("PATH=/usr/local/sbin")));
}

TEST_F(ImageStore, WhatIsNoImageIsSaid) {
  EXPECT_THAT(import_one(write("text", "hello")).error().message(), HasSubstr("not a tar archive"));
  EXPECT_THAT(import_one(path("")).error().message(), HasSubstr("no index.json"));
  EXPECT_THAT(import_one("/dev/null").error().message(), HasSubstr("neither a file nor a folder"));
  EXPECT_EQ(import_one(path("missing")).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(import_one(write("r.tar", TarBuilder().file("a", "").build()), "BAD").error().code(),
            ErrorCode::kInvalidArgument);
}

TEST_F(ImageStore, ALayerThatIsNotWhatTheConfigPromisesIsRefused) {
  auto image = testing::simple_image("honest");
  const auto other = testing::simple_image("hostile");
  for (auto& [digest, blob] : image.blobs) {
    if (blob != image.config) {
      blob = std::ranges::find_if(other.blobs, [&](const auto& entry) {
               return entry.second != other.config;
             })->second;
    }
  }
  const auto imported = import_one(layout(image, "x"));
  ASSERT_FALSE(imported);
  EXPECT_EQ(imported.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(imported.error().message(), HasSubstr("the image promises sha256:"));
  EXPECT_EQ(count_in("/layers/sha256"), 0u);
  EXPECT_EQ(count_in("/tmp"), 0u);
}

TEST_F(ImageStore, DocumentsThatLieAreRefused) {
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "x").build()};
  const auto refusal = [&](auto edit_config, auto edit_manifest) {
    recipe.edit_config = edit_config;
    recipe.edit_manifest = edit_manifest;
    const auto imported = import_one(layout(testing::build_image(recipe), "x"));
    EXPECT_FALSE(imported);
    return imported ? "" : imported.error().message();
  };
  const auto keep = [](json::Value&) {};
  EXPECT_THAT(refusal([](json::Value& c) { c["rootfs"]["diff_ids"].push_back("sha256:x"); }, keep),
              HasSubstr("not a digest"));
  EXPECT_THAT(refusal([](json::Value& c) { c["rootfs"]["diff_ids"].clear(); }, keep),
              HasSubstr("speaks of 0 layers, the manifest of 1"));
  EXPECT_THAT(refusal([](json::Value& c) { c["architecture"] = "s390x"; }, keep),
              HasSubstr("for linux/s390x"));
  EXPECT_THAT(refusal([](json::Value& c) { c["config"]["Env"] = 7; }, keep), HasSubstr("'Env'"));
  EXPECT_THAT(refusal(keep, [](json::Value& m) { m["layers"].clear(); }), HasSubstr("no layers"));
  EXPECT_THAT(refusal(keep, [](json::Value& m) { m["layers"][0]["digest"] = "../../etc/passwd"; }),
              HasSubstr("not a digest"));
  EXPECT_THAT(refusal(keep, [](json::Value& m) { m["manifests"] = json::Value::array(); }),
              HasSubstr("both"));
}

TEST_F(ImageStore, AFolderWithLinksOutOfItIsNotFollowed) {
  const auto image = testing::simple_image("x");
  const std::string folder = layout(image, "x");
  const std::string blob = folder + "/blobs/sha256/" + Digest::of(image.config).str().substr(7);
  const std::string outside = write("outside", image.config);
  fs::remove(blob);
  fs::create_symlink(outside, blob);
  EXPECT_FALSE(import_one(folder));
}

TEST_F(ImageStore, RemoveFreesWhatNoOtherImageNeeds) {
  testing::ImageRecipe one;
  one.layers = {TarBuilder().file("base", "b").build(), TarBuilder().file("one", "1").build()};
  testing::ImageRecipe two;
  two.layers = {one.layers[0], TarBuilder().file("two", "2").build()};
  ASSERT_TRUE(import_one(layout(testing::build_image(one), "one"), ""));
  ASSERT_TRUE(import_one(layout(testing::build_image(two), "two"), ""));
  EXPECT_EQ(count_in("/layers/sha256"), 3u);
  ASSERT_TRUE(store_->remove("one"));
  EXPECT_EQ(count_in("/layers/sha256"), 2u);
  EXPECT_EQ(count_in("/blobs/sha256"), 2u);
  EXPECT_TRUE(store_->find("two")->has_value());
  EXPECT_EQ(store_->remove("one").error().code(), ErrorCode::kNotFound);
  ASSERT_TRUE(store_->remove("two"));
  EXPECT_EQ(count_in("/layers/sha256"), 0u);
  EXPECT_EQ(count_in("/blobs/sha256"), 0u);
  EXPECT_EQ(count_in("/tmp"), 0u);
}

TEST_F(ImageStore, AnImageInUseStaysWhateverHappensToItsName) {
  ASSERT_TRUE(add("a", "one"));
  {
    const auto used = store_->find("a");
    ASSERT_TRUE(used && *used);
    EXPECT_EQ(store_->remove("a").error().code(), ErrorCode::kConflict);
    ASSERT_TRUE(add("a", "two"));  // the name moves on
    ASSERT_TRUE(open_store()->prune());
    EXPECT_EQ(read((*used)->layer_paths[0] + "/etc/name"), "one");
  }
  ASSERT_TRUE(store_->prune());
  EXPECT_EQ(count_in("/layers/sha256"), 1u);
  EXPECT_TRUE(store_->remove("a"));
}

TEST_F(ImageStore, ManyImportsOfOneImageAtOnceUnpackItOnce) {
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", std::string(1 << 20, 'x')).build()};
  const std::string folder = layout(testing::build_image(recipe), "x");
  constexpr int kThreads = 6;
  std::latch start(kThreads);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const auto store = open_store();
      start.arrive_and_wait();
      const auto images = store->import(folder, {});
      EXPECT_TRUE(images) << images.error().message();
    });
  }
  threads.clear();
  EXPECT_EQ(store_->list()->size(), 1u);
  EXPECT_EQ(count_in("/layers/sha256"), 1u);
  EXPECT_EQ(count_in("/tmp"), 0u);
}

TEST_F(ImageStore, AnImportThatIsCancelledLeavesNothing) {
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", std::string(8 << 20, 'x')).build()};
  const std::string folder = layout(testing::build_image(recipe), "x");
  std::stop_source stop;
  ImportOptions options;
  options.stop = stop.get_token();
  options.on_progress = [&](const Progress& progress) {
    if (progress.stage == Progress::Stage::kUnpack) {
      stop.request_stop();
    }
  };
  const auto images = store_->import(folder, options);
  ASSERT_FALSE(images);
  EXPECT_TRUE(images.error().is(ErrorCode::kCancelled)) << images.error().message();
  EXPECT_FALSE(store_->find("x")->has_value());
  EXPECT_EQ(count_in("/tmp"), 0u);
  ASSERT_TRUE(store_->prune());
  EXPECT_EQ(count_in("/blobs/sha256"), 0u);
}

TEST_F(ImageStore, AProgramKilledWhileItUnpacksLeavesNoLayerThatLooksWhole) {
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", std::string(32 << 20, 'x')).build()};
  const std::string folder = layout(testing::build_image(recipe), "x");
  const pid_t child = ::fork();
  if (child == 0) {
    ImportOptions options;
    options.on_progress = [](const Progress& progress) {
      if (progress.stage == Progress::Stage::kUnpack) {
        ::raise(SIGKILL);
      }
    };
    static_cast<void>(open_store()->import(folder, options));
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(count_in("/layers/sha256"), 0u);
  EXPECT_FALSE(store_->find("x")->has_value());
  const auto again = import_one(folder);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(fs::file_size(again->layer_paths[0] + "/a"), 32u << 20);
  EXPECT_EQ(count_in("/tmp"), 0u);
}

TEST_F(ImageStore, ProgressIsToldInOrder) {
  ImportOptions options;
  std::vector<Progress> seen;
  options.on_progress = [&](const Progress& progress) { seen.push_back(progress); };
  ASSERT_TRUE(store_->import(layout(testing::simple_image("x"), "x"), options));
  ASSERT_GE(seen.size(), 2u);
  EXPECT_EQ(seen.front().stage, Progress::Stage::kUnpack);
  EXPECT_EQ(seen.back().stage, Progress::Stage::kDone);
  EXPECT_EQ(seen.back().done_bytes, seen.back().total_bytes);
  EXPECT_GT(seen.back().total_bytes, 0u);
}

TEST_F(ImageStore, InspectTellsItAll) {
  const auto image = add("x", "y");
  ASSERT_TRUE(image);
  const auto text = store_->inspect("x");
  ASSERT_TRUE(text) << text.error().message();
  const auto document = json::parse(*text, "inspect");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->at("reference"), "docker.io/library/x:latest");
  EXPECT_EQ(document->at("digest"), image->digest);
  EXPECT_EQ(document->at("config").at("config").at("Cmd").at(0), "/bin/sh");
  EXPECT_EQ(document->at("manifest").at("layers").size(), 1u);
  EXPECT_EQ(store_->inspect("none").error().code(), ErrorCode::kNotFound);
}

TEST_F(ImageStore, AChangedBlobIsNoticed) {
  const auto image = add("x", "y");
  ASSERT_TRUE(image);
  std::ofstream(home() + "/blobs/sha256/" + image->digest.substr(7)) << "{}";
  const auto found = store_->find("x");
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message(), HasSubstr("changed on disk"));
  EXPECT_EQ(store_->list()->size(), 1u) << "it can still be seen, and removed";
}

// Whatever step it is that meets it, a program without descriptors does not take its image for
// damaged.
TEST_F(ImageStore, WithoutDescriptorsAnImageIsNotTakenForDamaged) {
  ASSERT_TRUE(add("x", "x"));
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  bool found = false;
  for (rlim_t limit = 0; !found && limit < 256; ++limit) {
    const rlimit few{limit, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    const auto image = store_->find("x");
    ::setrlimit(RLIMIT_NOFILE, &before);
    found = image && *image;
    if (!found) {
      ASSERT_FALSE(image) << "taken for one that is not there";
      EXPECT_TRUE(image.error().is(ErrorCode::kResourceExhausted)) << image.error().message();
    }
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace msb::image
