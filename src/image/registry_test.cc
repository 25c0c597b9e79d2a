// SPDX-License-Identifier: Apache-2.0
//
// Pulls from the registry that Debian packages, as a user would.
#include <gmock/gmock.h>

#include <cstdlib>
#include <latch>
#include <thread>

#include "image/manifest.h"
#include "image/registry/credentials.h"
#include "image/testing/docker_registry.h"
#include "image/testing/store_fixture.h"

namespace msb::image {
namespace {

using testing::DockerRegistry;
using ::testing::HasSubstr;
using testing::TarBuilder;

class Registry : public testing::StoreFixture {
 protected:
  void start(DockerRegistry::Access access = DockerRegistry::Access::kOpen) {
    registry_ = DockerRegistry::start(access);
    if (!registry_) {
      GTEST_SKIP() << "docker-registry is not installed (Debian package docker-registry)";
    }
  }

  void SetUp() override {
    StoreFixture::SetUp();
    ::setenv("DOCKER_CONFIG", path("").c_str(), 1);
  }

  std::string name(const std::string& repository) const {
    return registry_->host() + "/" + repository;
  }

  std::optional<DockerRegistry> registry_;
};

TEST_F(Registry, PullsByTagAndByDigest) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!registry_) {
    return;
  }
  testing::ImageRecipe recipe;
  recipe.layers = {TarBuilder().file("a", "lower").build(),
                   TarBuilder().file("b", "upper").build()};
  recipe.packing = testing::Packing::kZstd;
  const auto image = testing::build_image(recipe);
  ASSERT_TRUE(registry_->push(image, "org/app", "v1"));
  const auto pulled = store_->pull(name("org/app:v1"), {});
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->reference, name("org/app:v1"));
  EXPECT_EQ(pulled->digest, image.manifest_digest());
  EXPECT_EQ(read(pulled->layer_paths.at(1) + "/b"), "upper");
  const auto by_digest = store_->find_or_pull(name("org/app@" + image.manifest_digest()), {});
  ASSERT_TRUE(by_digest) << by_digest.error().message();
  EXPECT_EQ(by_digest->layer_paths, pulled->layer_paths);
}

TEST_F(Registry, ALocalImageIsUsedBeforeTheRegistryIsAsked) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!registry_) {
    return;
  }
  ASSERT_TRUE(registry_->push(testing::simple_image("first"), "app", "latest"));
  ASSERT_TRUE(store_->find_or_pull(name("app"), {}));
  ASSERT_TRUE(registry_->push(testing::simple_image("second"), "app", "latest"));
  const auto found = store_->find_or_pull(name("app"), {});
  ASSERT_TRUE(found);
  EXPECT_EQ(read(found->layer_paths[0] + "/etc/name"), "first");
  const auto pulled = store_->pull(name("app"), {});
  ASSERT_TRUE(pulled);
  EXPECT_EQ(read(pulled->layer_paths[0] + "/etc/name"), "second") << "a pull resolves anew";
}

TEST_F(Registry, ChoosesThisHostsImageFromAnIndex) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!registry_) {
    return;
  }
  const auto mine = testing::simple_image("mine");
  ASSERT_TRUE(registry_->push(mine, "multi", "mine"));
  json::Value index;
  index["schemaVersion"] = 2;
  index["mediaType"] = media_type::kOciIndex;
  json::Value entry;
  entry["mediaType"] = media_type::kOciManifest;
  entry["digest"] = mine.manifest_digest();
  entry["size"] = mine.manifest.size();
  entry["platform"]["os"] = "linux";
  json::Value other = entry;
  other["platform"]["architecture"] = "s390x";
  entry["platform"]["architecture"] = host_platform().architecture;
  index["manifests"] = json::Value::array({other, entry});
  ASSERT_TRUE(registry_->push_manifest(index.dump(), std::string(media_type::kOciIndex), "multi",
                                       "latest"));
  const auto pulled = store_->pull(name("multi"), {});
  ASSERT_TRUE(pulled) << pulled.error().message();
  EXPECT_EQ(pulled->digest, mine.manifest_digest());
}

TEST_F(Registry, SaysWhatTheRegistryHasNot) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!registry_) {
    return;
  }
  ASSERT_TRUE(registry_->push(testing::simple_image("x"), "app", "v1"));
  const auto pulled = store_->pull(name("app:v2"), {});
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(pulled.error().message(), HasSubstr("the registry says: manifest unknown"));
}

TEST_F(Registry, LogsInWithDockersCredentials) {
  ASSERT_NO_FATAL_FAILURE(start(DockerRegistry::Access::kLogin));
  if (!registry_) {
    return;
  }
  ASSERT_TRUE(registry_->push(testing::simple_image("secret"), "app", "v1"));
  const auto without = store_->pull(name("app:v1"), {});
  ASSERT_FALSE(without);
  EXPECT_EQ(without.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(without.error().message(), HasSubstr("docker login " + registry_->host()));

  const auto configure = [&](const std::string& credentials) {
    write("config.json", R"({"auths":{")" + registry_->host() + R"(":{"auth":")" +
                             base64_encode(credentials) + "\"}}}");
  };
  configure("me:wrong");
  const auto wrong = store_->pull(name("app:v1"), {});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message(), HasSubstr("refuses the login"));
  configure("me:secret");
  const auto with = store_->pull(name("app:v1"), {});
  EXPECT_TRUE(with) << with.error().message();
}

TEST_F(Registry, PullsOfOneNameAtOnceDownloadItOnce) {
  ASSERT_NO_FATAL_FAILURE(start());
  if (!registry_) {
    return;
  }
  testing::ImageRecipe recipe;
  for (int i = 0; i < 6; ++i) {
    recipe.layers.push_back(
        TarBuilder().file("f" + std::to_string(i), std::string(300'000, 'x')).build());
  }
  ASSERT_TRUE(registry_->push(testing::build_image(recipe), "app", "v1"));
  constexpr int kThreads = 4;
  std::latch start(kThreads);
  std::atomic<int> downloads = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      const auto store = open_store();
      PullOptions options;
      options.on_progress = [&](const Progress& progress) {
        downloads += progress.stage == Progress::Stage::kDownload &&
                     progress.done_bytes == progress.total_bytes;
      };
      start.arrive_and_wait();
      const auto pulled = store->pull(name("app:v1"), options);
      EXPECT_TRUE(pulled) << pulled.error().message();
    });
  }
  threads.clear();
  EXPECT_EQ(downloads, 6);
}

}  // namespace
}  // namespace msb::image
