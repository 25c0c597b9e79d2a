// SPDX-License-Identifier: Apache-2.0
//
// Digests, JSON, manifests and configs.
#include <gmock/gmock.h>

#include "image/config.h"
#include "image/json.h"
#include "image/manifest.h"

namespace msb::image {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kEmptyDigest[] =
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

template <typename T>
std::string error_of(const Result<T>& result) {
  return result ? "no error" : result.error().message();
}

std::string descriptor(std::string_view type, std::string_view more = "") {
  return R"({"mediaType":")" + std::string(type) + R"(","digest":")" + kEmptyDigest +
         R"(","size":1)" + std::string(more) + "}";
}

std::string manifest_with(const std::string& layers) {
  return R"({"schemaVersion":2,"config":)" + descriptor(media_type::kOciConfig) + R"(,"layers":[)" +
         layers + "]}";
}

std::string index_of(const std::string& entries) {
  return R"({"schemaVersion":2,"manifests":[)" + entries + "]}";
}

TEST(Digest, IsTheHashOfItsContent) {
  EXPECT_EQ(Digest::of("").str(), kEmptyDigest);
  EXPECT_EQ(Digest::of("abc").hex(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Digest::parse(kEmptyDigest)->str(), kEmptyDigest);
}

TEST(Digest, AcceptsOneSpellingOnly) {
  for (const std::string text :
       {"", "sha256:", "sha512:00", "sha256:../../../etc/passwd", kEmptyDigest + 1}) {
    EXPECT_THAT(error_of(Digest::parse(text)), HasSubstr("is not a digest")) << text;
  }
  EXPECT_FALSE(Digest::parse(std::string(kEmptyDigest) + "0"));
  EXPECT_FALSE(Digest::parse("sha256:" + std::string(64, 'A')));
}

TEST(Digest, AHasherCanBeUsedAgain) {
  Hasher hasher;
  hasher.update(std::as_bytes(std::span("x", 1)));
  static_cast<void>(hasher.finish());
  EXPECT_EQ(hasher.finish().str(), kEmptyDigest);
}

TEST(Json, IsBoundedInDepth) {
  EXPECT_TRUE(json::parse(R"({"a":"[[[[[{{{{\"[["})", "x"));
  const std::string deep = R"({"a":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_THAT(error_of(json::parse(deep, "x")), HasSubstr("nested too deep"));
  EXPECT_THAT(error_of(json::parse("{", "x")), HasSubstr("x: not JSON"));
  EXPECT_THAT(error_of(json::parse("[]", "x")), HasSubstr("not a JSON object"));
}

TEST(Json, TypesAreChecked) {
  const auto value =
      json::parse(R"({"s":"t","n":3,"m":-1,"l":["a"],"z":"a\u0000b","u":null,"f":1.5})", "x");
  ASSERT_TRUE(value);
  EXPECT_EQ(json::string(*value, "s"), "t");
  EXPECT_EQ(json::string(*value, "absent"), "");
  EXPECT_EQ(json::string(*value, "u"), "");
  EXPECT_EQ(json::number(*value, "n"), 3u);
  EXPECT_THAT(*json::strings(*value, "l"), ElementsAre("a"));
  EXPECT_THAT(error_of(json::string(*value, "n")), HasSubstr("'n' is not a string"));
  EXPECT_THAT(error_of(json::number(*value, "m")), HasSubstr("'m' is not a number"));
  EXPECT_THAT(error_of(json::number(*value, "f")), HasSubstr("'f' is not a number"));
  EXPECT_THAT(error_of(json::strings(*value, "s")), HasSubstr("'s' is not a list"));
  EXPECT_THAT(error_of(json::string(*value, "z")), HasSubstr("NUL"));
}

TEST(Manifest, TellsImagesFromIndexes) {
  const auto image = parse_manifest(manifest_with(descriptor(media_type::kOciLayer)), "");
  ASSERT_TRUE(image) << error_of(image);
  EXPECT_EQ(std::get<Manifest>(*image).layers.size(), 1u);
  const auto index = parse_manifest(index_of(descriptor(media_type::kOciManifest)), "");
  ASSERT_TRUE(index) << error_of(index);
  EXPECT_EQ(std::get<Index>(*index).manifests.size(), 1u);
}

TEST(Manifest, AcceptsTheLayersOfDockerAndOci) {
  for (const char* type :
       {"application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar", "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}) {
    EXPECT_TRUE(parse_manifest(manifest_with(descriptor(type)), "")) << type;
  }
  EXPECT_THAT(
      error_of(parse_manifest(manifest_with(descriptor("application/vnd.in-toto+json")), "")),
      HasSubstr("not an image that can be run"));
}

TEST(Manifest, RefusesWhatCouldBeReadInTwoWays) {
  const std::string both = R"({"schemaVersion":2,"layers":[],"manifests":[]})";
  EXPECT_THAT(error_of(parse_manifest(both, "")), HasSubstr("both"));
  EXPECT_THAT(error_of(parse_manifest(manifest_with(descriptor(media_type::kOciLayer)),
                                      media_type::kOciIndex)),
              HasSubstr("not what its type"));
  EXPECT_THAT(error_of(parse_manifest("{}", "")), HasSubstr("neither"));
  EXPECT_THAT(error_of(parse_manifest(R"({"schemaVersion":1})", "")), HasSubstr("schema 1"));
}

TEST(Manifest, IsBoundedInLayers) {
  const auto layers = [](std::size_t count) {
    std::string text = descriptor(media_type::kOciLayer);
    for (std::size_t i = 1; i < count; ++i) {
      text += "," + descriptor(media_type::kOciLayer);
    }
    return text;
  };
  EXPECT_TRUE(parse_manifest(manifest_with(layers(kMaxLayers)), ""));
  EXPECT_THAT(error_of(parse_manifest(manifest_with(layers(kMaxLayers + 1)), "")),
              HasSubstr("more than 256"));
}

TEST(Manifest, ThePlatformOfThisHostIsChosen) {
  const auto platform = [](const std::string& os, const std::string& architecture) {
    return descriptor(media_type::kOciManifest, R"(,"platform":{"os":")" + os +
                                                    R"(","architecture":")" + architecture + "\"}");
  };
  const std::string mine = platform("linux", host_platform().architecture);
  const auto chosen = parse_manifest(
      index_of(platform("windows", "amd64") + "," + platform("linux", "s390x") + "," + mine), "");
  ASSERT_TRUE(chosen);
  EXPECT_EQ(select_platform(std::get<Index>(*chosen))->platform->architecture,
            host_platform().architecture);
  const auto foreign = parse_manifest(
      index_of(platform("linux", "s390x") + "," + platform("unknown", "unknown")), "");
  ASSERT_TRUE(foreign);
  EXPECT_THAT(error_of(select_platform(std::get<Index>(*foreign))),
              HasSubstr("it is for linux/s390x"));
}

TEST(Config, ReadsWhatASandboxHonours) {
  const auto config = parse_config(
      R"({"os":"linux","created":"2024-01-01T00:00:00Z","config":{"Env":["A=b"],"User":"1000:100",
          "Entrypoint":["/init"],"Cmd":["a","b"],"WorkingDir":"srv",
          "ExposedPorts":{"8080":{},"80/tcp":{},"53/udp":{}}},
          "rootfs":{"type":"layers","diff_ids":[")" +
      std::string(kEmptyDigest) + R"("]}})");
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_THAT(config->run.env, ElementsAre("A=b"));
  EXPECT_THAT(config->run.entrypoint, ElementsAre("/init"));
  EXPECT_THAT(config->run.cmd, ElementsAre("a", "b"));
  EXPECT_EQ(config->run.user, "1000:100");
  EXPECT_EQ(config->run.workdir, "/srv");
  EXPECT_THAT(config->run.exposed_tcp_ports, ElementsAre(80, 8080));
  EXPECT_EQ(config->diff_ids.size(), 1u);
}

TEST(Config, MalformedFieldsAreNamed) {
  EXPECT_THAT(error_of(parse_config(R"({"config":{"Cmd":"sh"}})")), HasSubstr("'Cmd'"));
  EXPECT_THAT(error_of(parse_config(R"({"config":{"ExposedPorts":{"99999/tcp":{}}}})")),
              HasSubstr("'99999/tcp' is not a port"));
  EXPECT_THAT(error_of(parse_config(R"({"rootfs":{"diff_ids":["md5:1"]}})")),
              HasSubstr("diff_ids"));
  EXPECT_THAT(error_of(parse_config(R"({"os":"windows","architecture":"amd64"})")),
              HasSubstr("for windows/amd64"));
}

TEST(Config, OfARootFileSystemCanBeReadBack) {
  const auto config = parse_config(config_of_rootfs(Digest::of("")));
  ASSERT_TRUE(config) << error_of(config);
  EXPECT_THAT(config->run.cmd, ElementsAre("/bin/sh"));
  EXPECT_THAT(config->diff_ids, ElementsAre(Digest::of("")));
}

}  // namespace
}  // namespace msb::image
